//! Checks names of D-Bus, and texts that must be addresses.
//!
//! The rules are those of the D-Bus specification ("Valid Names", "Valid Object Paths"), so that
//! an error is found when the configuration is loaded, not at the first scrape.

use crate::bus_address::is_unix_list;
use crate::value::{FromValue, describe};
use config::{Value, ValueKind};

/// The length of the longest name in bytes (specification, "Valid Names").
const LONGEST: usize = 255;

/// Reads a string that `valid` accepts.
fn checked(value: &Value, valid: impl Fn(&str) -> bool) -> Result<String, String> {
    match &value.kind {
        ValueKind::String(text) if valid(text) => Ok(text.clone()),
        _ => Err(describe(value)),
    }
}

/// A member, or one element of an interface: letters, digits and `_`, no digit first.
fn is_element(text: &str) -> bool {
    let starts_well = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(starts_well) && text.chars().all(|c| starts_well(c) || c.is_ascii_digit())
}

fn is_interface(text: &str) -> bool {
    text.len() <= LONGEST && text.contains('.') && text.split('.').all(is_element)
}

/// Unlike an interface, a bus name may contain `-`, and a unique name begins with `:`.
fn is_bus_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let unique = text.starts_with(':');
    let element = |element: &str| {
        !element.is_empty()
            && element.chars().all(allowed)
            && (unique || !element.starts_with(|c: char| c.is_ascii_digit()))
    };
    let name = text.strip_prefix(':').unwrap_or(text);
    text.len() <= LONGEST && name.contains('.') && name.split('.').all(element)
}

fn is_object_path(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let element = |element: &str| !element.is_empty() && element.chars().all(allowed);
    text == "/"
        || text
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(element))
}

/// The name a daemon owns on its bus.
#[derive(Debug)]
pub(crate) struct BusName(pub(crate) String);

impl FromValue for BusName {
    const TYPE: &'static str = "bus name";
    const EXPECTED: &'static str = "a bus name such as \"com.example.Daemon\"";

    fn from_value(value: &Value) -> Result<Self, String> {
        checked(value, is_bus_name).map(Self)
    }
}

/// An interface and a member in one string, joined by the last dot.
#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) interface: String,
    pub(crate) member: String,
}

impl FromValue for Method {
    const TYPE: &'static str = "D-Bus method";
    const EXPECTED: &'static str =
        "an interface and a member such as \"com.example.Observable.PromMetrics\"";

    fn from_value(value: &Value) -> Result<Self, String> {
        let valid = |text: &str| {
            text.rsplit_once('.')
                .is_some_and(|(interface, member)| is_interface(interface) && is_element(member))
        };
        let text = checked(value, valid)?;
        let (interface, member) = text.rsplit_once('.').ok_or_else(|| describe(value))?;
        Ok(Self {
            interface: interface.to_owned(),
            member: member.to_owned(),
        })
    }
}

/// The path of an object.
#[derive(Debug)]
pub(crate) struct ObjectPath(pub(crate) String);

impl FromValue for ObjectPath {
    const TYPE: &'static str = "object path";
    const EXPECTED: &'static str = "an object path such as \"/com/example/Daemon\"";

    fn from_value(value: &Value) -> Result<Self, String> {
        checked(value, is_object_path).map(Self)
    }
}

/// The addresses of a bus.
#[derive(Debug)]
pub(crate) struct Addresses(pub(crate) String);

impl FromValue for Addresses {
    const TYPE: &'static str = "bus address";
    const EXPECTED: &'static str = "a bus address such as \"unix:path=/run/dbus/system_bus_socket\", \
         or a list of them separated by `;`";

    fn from_value(value: &Value) -> Result<Self, String> {
        checked(value, is_unix_list).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_specification() {
        type IsName = fn(&str) -> bool;
        let cases: [(IsName, &str, bool); 13] = [
            (is_bus_name, "com.github.lucab.Prombus", true),
            (is_bus_name, "org.with-dash.Name", true),
            (is_bus_name, ":1.42", true),
            (is_bus_name, "single", false),
            (is_bus_name, "a..b", false),
            (is_bus_name, "a.1b", false),
            (is_interface, "com.github.lucab.Prombus.Observable", true),
            (is_interface, "with-dash.Name", false),
            (is_interface, "single", false),
            (is_object_path, "/", true),
            (is_object_path, "/com/github/lucab/Prombus", true),
            (is_object_path, "/trailing/", false),
            (is_object_path, "relative", false),
        ];
        for (check, text, valid) in cases {
            assert_eq!(check(text), valid, "{text}");
        }
    }
}
