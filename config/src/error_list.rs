//! The errors of one file or of the environment, up to a limit.
//!
//! The cost of an error that is not listed is constant: its message and its location are not made.

use crate::error::ConfigError;

/// The most errors of one file that are listed, and of the environment. A user corrects the first ones;
/// a file that is not a configuration has an error in each line.
pub(crate) const MAX_LISTED: usize = 100;

/// Errors in the order in which they are found.
#[derive(Debug, Default)]
pub(crate) struct ErrorList {
    listed: Vec<ConfigError>,
    /// The first error that is not listed, and how many there are.
    more: Option<(ConfigError, usize)>,
}

impl ErrorList {
    /// Adds an error, which is made only if it is needed.
    pub(crate) fn add(&mut self, error: impl FnOnce() -> ConfigError) {
        if self.listed.len() < MAX_LISTED {
            self.listed.push(error());
        } else if let Some((_, count)) = &mut self.more {
            *count += 1;
        } else {
            self.more = Some((error(), 1));
        }
    }

    /// The listed errors, followed by one that counts the others, at the location of the first of them.
    pub(crate) fn into_errors(self) -> Vec<ConfigError> {
        let mut errors = self.listed;
        errors.extend(self.more.map(|(first, count)| match count {
            1 => first,
            _ => ConfigError {
                location: first.location,
                key: String::new(),
                found: format!("{count} more errors, which are not listed"),
                expected: String::new(),
            },
        }));
        errors
    }
}

impl FromIterator<ConfigError> for ErrorList {
    fn from_iter<I: IntoIterator<Item = ConfigError>>(errors: I) -> Self {
        let mut list = Self::default();
        errors.into_iter().for_each(|error| list.add(|| error));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Location;

    fn listed(count: usize) -> Vec<String> {
        let error = |line| ConfigError {
            location: Location::Text {
                file: "f".to_owned(),
                line,
                column: 1,
            },
            key: String::new(),
            found: "wrong".to_owned(),
            expected: String::new(),
        };
        let list: ErrorList = (1..=count).map(error).collect();
        list.into_errors().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn errors_beyond_the_limit_are_counted() {
        assert_eq!(listed(0), Vec::<String>::new());
        // One line for one error.
        assert_eq!(listed(MAX_LISTED + 1).last().unwrap(), "f:101:1: wrong");
        let many = listed(40_000);
        assert_eq!(many.len(), MAX_LISTED + 1);
        assert_eq!(
            many.last().unwrap(),
            "f:101:1: 39900 more errors, which are not listed"
        );
    }
}
