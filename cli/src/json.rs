//! JSON as text. What the daemon answers is laid out anew but never re-parsed into values: numbers, escapes and the order
//! of members stay as they were written.

/// Lays out JSON text with two spaces per level. The text must be valid JSON.
pub(crate) fn pretty(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0usize;
    let mut rest = text.trim().chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => copy_string(&mut out, &mut rest),
            '{' | '[' => {
                out.push(c);
                skip_space(&mut rest);
                if let Some(close) = rest.next_if(|c| matches!(c, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

/// Puts JSON text on one line. The text must be valid JSON.
pub(crate) fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => copy_string(&mut out, &mut rest),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Copies the rest of a string whose opening quote has just been read.
fn copy_string(out: &mut String, rest: &mut Chars<'_>) {
    out.push('"');
    while let Some(c) = rest.next() {
        out.push(c);
        match c {
            '\\' => out.extend(rest.next()),
            '"' => return,
            _ => {}
        }
    }
}

fn skip_space(rest: &mut Chars<'_>) {
    while rest.next_if(char::is_ascii_whitespace).is_some() {}
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_changes_and_nothing_else_does() {
        let text = r#"{"b":1.0,"a":[1e3,{},[ ],"x, \"y\": {z}\\"],"n":null}"#;
        let laid_out = pretty(text);
        assert_eq!(
            laid_out,
            "{\n  \"b\": 1.0,\n  \"a\": [\n    1e3,\n    {},\n    [],\n    \"x, \\\"y\\\": {z}\\\\\"\n  ],\n  \"n\": null\n}"
        );
        assert_eq!(compact(&laid_out), text.replace("[ ]", "[]"));
    }
}
