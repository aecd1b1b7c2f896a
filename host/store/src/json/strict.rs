//! The strict check: one pass over the text, no tree, and nothing accepted that two readers could understand differently.
//!
//! This is hand-written because a parser that builds values has already lost what is to be judged here: the digits of a
//! number and the first of two equal members. What it accepts is exactly what `serde_json` accepts (a property test holds
//! the two together) less the refusals named at [`Json::parse`](super::Json::parse).

use std::borrow::Cow;

use super::{
    fault::{Broken, Checked, JsonFault, shown, too_deep},
    number,
};
use crate::limits;

/// What must stand at the top of a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// An object.
    Object,
    /// An array.
    Array,
    /// Any value.
    Any,
}

/// Up to this many members, a new name is compared with those before it; beyond, names are sorted once at the end.
const COMPARED: usize = 16;

const NOT_JSON: &str = "not-json";

pub(super) fn check(text: &str, shape: Shape, max_bytes: usize) -> Result<(), JsonFault> {
    if text.len() > max_bytes {
        return Err(JsonFault::too_large(text.len(), max_bytes));
    }
    let mut scan = Scan { text, bytes: text.as_bytes(), at: 0, names: Vec::with_capacity(COMPARED) };
    scan.document(shape).map_err(|broken| broken.in_text(text))
}

/// Name of a member of an object that is still open.
struct Name<'a> {
    text: Cow<'a, str>,
    offset: usize,
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Names of the open objects, outermost first.
    names: Vec<Name<'a>>,
}

impl<'a> Scan<'a> {
    fn document(&mut self, shape: Shape) -> Checked {
        self.space();
        match (shape, self.peek()) {
            (Shape::Object, byte) if byte != b'{' => return Err(self.misshapen("an object")),
            (Shape::Array, byte) if byte != b'[' => return Err(self.misshapen("an array")),
            _ => self.value(0)?,
        }
        self.space();
        if self.at < self.bytes.len() { Err(self.broken("the text goes on after its value")) } else { Ok(()) }
    }

    /// `depth`: how many arrays and objects are open.
    fn value(&mut self, depth: usize) -> Checked {
        match self.peek() {
            b'"' => self.string().map(drop),
            b'-' | b'0'..=b'9' => self.number(),
            b'{' => self.object(depth + 1),
            b'[' => self.array(depth + 1),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => Err(self.broken("a value is expected here")),
        }
    }

    fn object(&mut self, depth: usize) -> Checked {
        self.open(depth)?;
        let first = self.names.len();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.name(first)?;
            self.space();
            if !self.take(b':') {
                return Err(self.broken("a member's name must be followed by `:`"));
            }
            self.space();
            let this = self.names.len() - 1;
            if let Err(broken) = self.value(depth) {
                return Err(broken.under(shown(&self.names[this].text)));
            }
            self.space();
            if self.take(b'}') {
                break;
            }
            if !self.take(b',') {
                return Err(self.broken("a member must be followed by `,` or `}`"));
            }
            self.space();
        }
        self.distinct(first)?;
        self.names.truncate(first);
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Checked {
        self.open(depth)?;
        if self.take(b']') {
            return Ok(());
        }
        for index in 0_usize.. {
            if let Err(broken) = self.value(depth) {
                return Err(broken.under(index.to_string()));
            }
            self.space();
            if self.take(b']') {
                break;
            }
            if !self.take(b',') {
                return Err(self.broken("an element must be followed by `,` or `]`"));
            }
            self.space();
        }
        Ok(())
    }

    fn open(&mut self, depth: usize) -> Checked {
        if depth > limits::JSON_DEPTH {
            return Err(Broken::new("too-deep", self.at, too_deep()));
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    /// The name of a member, put on the stack of names.
    fn name(&mut self, first: usize) -> Checked {
        let offset = self.at;
        if self.peek() != b'"' {
            return Err(self.broken("a member begins with its name in quotes"));
        }
        let (raw, escaped) = self.string()?;
        let text = if escaped { self.unescaped(offset)? } else { Cow::Borrowed(raw) };
        let before = &self.names[first..];
        if before.len() < COMPARED && before.iter().any(|name| name.text == text) {
            return Err(duplicate(&text, offset));
        }
        self.names.push(Name { text, offset });
        Ok(())
    }

    fn unescaped(&self, offset: usize) -> Checked<Cow<'a, str>> {
        match serde_json::from_str(&self.text[offset..self.at]) {
            Ok(name) => Ok(Cow::Owned(name)),
            Err(_) => Err(Broken::new(NOT_JSON, offset, "a name is not a string")),
        }
    }

    /// The names that were too many to be compared one by one as they came.
    fn distinct(&mut self, first: usize) -> Checked {
        let names = &mut self.names[first..];
        if names.len() <= COMPARED {
            return Ok(());
        }
        names.sort_unstable_by(|a, b| a.text.cmp(&b.text).then(a.offset.cmp(&b.offset)));
        let again = names.windows(2).filter(|pair| pair[0].text == pair[1].text).map(|pair| &pair[1]);
        match again.min_by_key(|name| name.offset) {
            Some(name) => Err(duplicate(&name.text, name.offset)),
            None => Ok(()),
        }
    }

    /// A string: what stands between its quotes, and whether it has escapes.
    fn string(&mut self) -> Checked<(&'a str, bool)> {
        let open = self.at;
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at = plain_end(self.bytes, self.at);
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.broken("a control character in a string must be escaped")),
                None => return Err(Broken::new(NOT_JSON, open, "a string begins here that does not end")),
            }
        }
        let raw = &self.text[start..self.at];
        self.at += 1;
        Ok((raw, escaped))
    }

    fn escape(&mut self) -> Checked {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => self.unicode_escape(),
            _ => Err(self.broken("JSON has no such escape")),
        }
    }

    /// `\uXXXX`, or two of them that together are one character.
    fn unicode_escape(&mut self) -> Checked {
        let offset = self.at;
        let paired = match self.code_unit()? {
            0xD800..=0xDBFF => {
                self.bytes[self.at..].starts_with(b"\\u") && matches!(self.code_unit()?, 0xDC00..=0xDFFF)
            }
            0xDC00..=0xDFFF => false,
            _ => true,
        };
        if paired {
            Ok(())
        } else {
            Err(Broken::new("lone-surrogate", offset, "half of a surrogate pair is no character: send both halves"))
        }
    }

    fn code_unit(&mut self) -> Checked<u32> {
        let digits = self.bytes.get(self.at + 2..self.at + 6).unwrap_or_default();
        let unit = digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?));
        match unit {
            Some(unit) if digits.len() == 4 => {
                self.at += 6;
                Ok(unit)
            }
            _ => Err(self.broken("`\\u` must be followed by four hex digits")),
        }
    }

    fn number(&mut self) -> Checked {
        let offset = self.at;
        let negative = self.take(b'-');
        let whole = self.digits();
        if whole == 0 {
            return Err(self.broken("a digit is expected here"));
        }
        if whole > 1 && self.bytes[self.at - whole] == b'0' {
            return Err(Broken::new(NOT_JSON, offset, "a number must not begin with a zero"));
        }
        if !matches!(self.peek(), b'.' | b'e' | b'E') {
            let digits = &self.text[self.at - whole..self.at];
            return if number::integer_is_exact(digits) { Ok(()) } else { Err(inexact_integer(offset)) };
        }
        self.decimal(offset + usize::from(negative), offset)
    }

    /// The rest of a number with a fraction or an exponent, whose digits begin at `start`.
    fn decimal(&mut self, start: usize, offset: usize) -> Checked {
        if self.take(b'.') && self.digits() == 0 {
            return Err(self.broken("`.` must be followed by a digit"));
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'-') {
                self.take(b'+');
            }
            if self.digits() == 0 {
                return Err(self.broken("an exponent needs a digit"));
            }
        }
        if number::decimal_is_exact(&self.text[start..self.at]) {
            return Ok(());
        }
        let what = "a double does not hold this decimal exactly: send it as a string";
        Err(Broken::new("number-not-exact", offset, what))
    }

    /// Skips digits; how many there were.
    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        self.at - start
    }

    fn word(&mut self, word: &str) -> Checked {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.broken("a value is expected here"));
        }
        self.at += word.len();
        Ok(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\t' | b'\r') {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    /// The next byte; at the end 0, which no JSON text has outside of strings.
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn broken(&self, what: &'static str) -> Box<Broken> {
        Broken::new(NOT_JSON, self.at, what)
    }

    fn misshapen(&self, wanted: &str) -> Box<Broken> {
        Broken::new("wrong-shape", self.at, format!("{wanted} is expected"))
    }
}

fn duplicate(name: &str, offset: usize) -> Box<Broken> {
    let name = shown(name);
    Broken::new("duplicate-member", offset, format!("the member {name:?} appears twice")).under(name)
}

fn inexact_integer(offset: usize) -> Box<Broken> {
    Broken::new("number-not-exact", offset, "integers beyond ±(2^53−1) do not survive in every reader: send a string")
}

/// Where the run of plain string bytes that begins at `at` ends: at a quote, a backslash, a control character or the end.
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    // A byte of `word` is zero where `word - ONES` borrows; the lowest such byte is found reliably.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (quote | backslash | control) & HIGH;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    bytes[at..].iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20).map_or(bytes.len(), |n| at + n)
}

#[cfg(test)]
mod tests;
