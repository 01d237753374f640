//! One key of the configuration as data: its type, its default and its description.
//!
//! The readers own the keys; `reference` collects them. Nothing here reads a value.

use crate::value::FromValue;

/// One key of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The name as it is written in its table.
    pub name: &'static str,
    /// The type in one or two words, such as `duration` or `path`.
    pub value: &'static str,
    /// If true, an array of such values is accepted as well.
    pub list: bool,
    /// The permitted values, in the words of the error message.
    pub expected: &'static str,
    /// The value of a key that is left out.
    pub default: DefaultValue,
    /// The action after which a new value takes effect.
    pub takes_effect: TakesEffect,
    /// One or two sentences.
    pub description: &'static str,
}

/// The value of a key that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// There is none: the key must be present.
    Required,
    /// The setting is absent; the description says what that means.
    Absent,
    /// A value, as TOML.
    Value(&'static str),
    /// The value of the same key in `[bridge.defaults]`.
    Inherited,
}

/// The action after which a new value takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakesEffect {
    /// A reload of the configuration.
    Reload,
    /// A restart of the process: a reload keeps the old value and logs a warning.
    Restart,
}

impl Key {
    /// A key that must be present.
    pub(crate) const fn required<T: FromValue>(
        name: &'static str,
        description: &'static str,
    ) -> Self {
        Self::new::<T>(name, DefaultValue::Required, description)
    }

    /// A key without a default value.
    pub(crate) const fn absent<T: FromValue>(
        name: &'static str,
        description: &'static str,
    ) -> Self {
        Self::new::<T>(name, DefaultValue::Absent, description)
    }

    /// A key with a default value, given as TOML.
    pub(crate) const fn with_default<T: FromValue>(
        name: &'static str,
        default: &'static str,
        description: &'static str,
    ) -> Self {
        Self::new::<T>(name, DefaultValue::Value(default), description)
    }

    /// A table whose keys are names chosen by the user.
    pub(crate) const fn table(name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            value: "table",
            list: false,
            expected: "a table",
            default: DefaultValue::Absent,
            takes_effect: TakesEffect::Reload,
            description,
        }
    }

    const fn new<T: FromValue>(
        name: &'static str,
        default: DefaultValue,
        description: &'static str,
    ) -> Self {
        Self {
            name,
            value: T::TYPE,
            list: false,
            expected: T::EXPECTED,
            default,
            takes_effect: TakesEffect::Reload,
            description,
        }
    }

    /// The same key, which accepts an array as well.
    pub(crate) const fn or_list(self) -> Self {
        Self { list: true, ..self }
    }

    /// The same key, whose new values need a restart.
    pub(crate) const fn at_restart(self) -> Self {
        Self {
            takes_effect: TakesEffect::Restart,
            ..self
        }
    }

    /// The same key in the table of a selector.
    pub(crate) const fn inherited(self) -> Self {
        Self {
            default: DefaultValue::Inherited,
            ..self
        }
    }
}
