//! The case styles of names. They are ASCII: elsewhere there is no agreement on what a word is.

/// `camelCase`: letters and digits, the first a small letter.
pub(super) fn is_camel(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase()) && alphanumeric(text)
}

/// `PascalCase`: letters and digits, the first a capital.
pub(super) fn is_pascal(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase()) && alphanumeric(text)
}

/// `snake_case` and `kebab-case`: words of small letters and digits with one separator between them, the first character
/// a letter.
pub(super) fn is_separated(text: &str, separator: u8) -> bool {
    let word = |word: &[u8]| !word.is_empty() && word.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.as_bytes().split(|&byte| byte == separator).all(word)
}

fn alphanumeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
