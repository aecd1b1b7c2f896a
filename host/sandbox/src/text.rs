//! Text that a guest hands over: how much of it, and whether it is the JSON that it claims to be.

use serde::de::IgnoredAny;

use crate::{
    limits::{Limit, Limits, NAME_BYTES},
    outcome::{Halt, Lie, Trap},
    wire::types::Failure,
};

/// Checks that `text` is one JSON value.
pub(crate) fn check_json(what: &'static str, text: &str) -> Result<(), Halt> {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(Halt::Lied(Lie::InvalidJson { what, reason: error.to_string() })),
    }
}

/// Checks that `text` is one JSON object.
pub(crate) fn check_object(what: &'static str, text: &str) -> Result<(), Halt> {
    check_json(what, text)?;
    if text.trim_ascii_start().starts_with('{') {
        return Ok(());
    }
    Err(Halt::Lied(Lie::InvalidJson { what, reason: "it is a value, but not an object".to_owned() }))
}

/// Checks how much text an answer holds.
pub(crate) fn check_output(bytes: usize, limits: &Limits) -> Result<(), Halt> {
    if bytes as u64 <= limits.output_bytes {
        return Ok(());
    }
    let what = format!("the plugin answered with {bytes} bytes");
    Err(Halt::Trapped(Trap::broke(Limit::OutputBytes, limits, what)))
}

impl Failure {
    /// What it weighs as output.
    pub(crate) fn bytes(&self) -> usize {
        self.code.len() + self.message.len() + self.detail.as_ref().map_or(0, String::len)
    }

    /// Checks size and JSON. The code becomes a metric label, so what does not belong into one is replaced: a plugin that
    /// fails is heard, even if it fails clumsily.
    pub(crate) fn checked(mut self, limits: &Limits) -> Result<Self, Halt> {
        check_output(self.bytes(), limits)?;
        if let Some(detail) = &self.detail {
            check_json("detail of a failure", detail)?;
        }
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        self.code = self.code.chars().take(NAME_BYTES).map(plain).collect();
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_whole_value_is_json() {
        for text in ["1", "null", "{\"a\":[1,2]}", " \"x\" "] {
            check_json("text", text).unwrap();
        }
        for text in ["", "{", "1 2", "{'a':1}", "nul"] {
            assert!(check_json("text", text).is_err(), "{text:?}");
        }
        assert!(check_object("text", "[]").is_err());
        check_object("text", " {}").unwrap();
    }

    #[test]
    fn nesting_costs_no_stack() {
        let deep = "[".repeat(1 << 20);
        assert!(check_json("text", &deep).is_err());
    }

    #[test]
    fn a_code_becomes_a_label() {
        let failure = Failure { code: "http 503\n\"".to_owned(), message: String::new(), detail: None };
        assert_eq!(failure.checked(&Limits::default()).unwrap().code, "http-503--");
    }
}
