//! The macro that defines closed sets of label values.
//!
//! Variant, label and description of each value are written once, so that the list of all
//! values, the labels and the documentation cannot diverge.

/// Defines a field-less enum with `ALL`, `as_str`, `description` and `Display`.
macro_rules! closed_set {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $($variant:ident = $label:literal, $description:literal;)+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(
                #[doc = $description]
                $variant,
            )+
        }

        impl $name {
            /// Every value, in the order of the definition.
            pub const ALL: [Self; [$($name::$variant),+].len()] = [$($name::$variant),+];

            /// The value as it is written in labels, responses and pages.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                }
            }

            /// What the value means, in one or two sentences.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => $description,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use closed_set;
