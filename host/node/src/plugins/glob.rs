//! Globs over names: `*` stands for any run of characters, `?` for one, everything else for itself.

use crate::limits::GLOB_BYTES;

/// A pattern that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob(String);

impl Glob {
    /// Checks a pattern; the error says what is wrong with it.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let strange = |c: char| c.is_control() || c.is_whitespace() || "[]{}\\".contains(c);
        if pattern.is_empty() || pattern.len() > GLOB_BYTES {
            return Err(format!("a glob has 1 to {GLOB_BYTES} bytes (GLOB_BYTES); this one has {}", pattern.len()));
        }
        if pattern.contains(strange) {
            return Err(format!("{pattern:?} is not a glob: only * and ? are special, and no blank may stand in one"));
        }
        Ok(Self(pattern.to_owned()))
    }

    /// Whether the pattern names EventDBX's own names, which begin with `$`, on purpose.
    pub(super) fn is_system(&self) -> bool {
        self.0.starts_with('$')
    }

    /// Whether a name fits. Takes at most the product of the two lengths in steps.
    pub(super) fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut p, mut n) = (0, 0);
        // Where the last `*` stands, and up to where it has swallowed the name.
        let mut star: Option<(usize, usize)> = None;
        while n < name.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p, n));
                    p += 1;
                }
                Some(b'?') => (p, n) = (p + 1, n + 1),
                Some(byte) if *byte == name[n] => (p, n) = (p + 1, n + 1),
                _ => {
                    let Some((at, swallowed)) = star else { return false };
                    star = Some((at, swallowed + 1));
                    (p, n) = (at + 1, swallowed + 1);
                }
            }
        }
        pattern[p..].iter().all(|byte| *byte == b'*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Glob::new(pattern).unwrap().matches(name)
    }

    #[test]
    fn stars_and_question_marks_stand_for_others() {
        for (pattern, name) in [
            ("*", ""),
            ("*", "flight"),
            ("flight", "flight"),
            ("fl?ght", "flight"),
            ("flight_*", "flight_departed"),
            ("*_departed", "flight_departed"),
            ("*a*b*", "xxaxxbxx"),
            ("a*b*c", "abbbc"),
            ("$*", "$archived"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("flight", "flights"), ("flight?", "flight"), ("a*c", "ab"), ("?", ""), ("$*", "a")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        assert!(!matches(&format!("{}b", "a*".repeat(100)), &"a".repeat(128)));
    }

    #[test]
    fn what_other_tools_take_for_special_is_refused() {
        for bad in ["", "[ab]", "{a,b}", "a b", "a\\*", &"x".repeat(257)] {
            assert!(Glob::new(bad).is_err(), "{bad:?}");
        }
    }
}
