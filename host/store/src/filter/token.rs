//! The words of an expression, read one at a time, so that the first fault is the one that is told.

use super::{
    FilterFault, Path,
    expression::Comparison,
    fault::Shown,
    path::{self, is_plain},
};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) at: usize,
    pub(super) length: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind<'t> {
    /// `quoted`: its first segment stands in double quotes.
    Path {
        path: Path,
        quoted: bool,
    },
    Word(Word),
    Text(String),
    Number(&'t str),
    Comparison(Comparison),
    Open,
    Close,
    Comma,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    And,
    Between,
    False,
    In,
    Is,
    Like,
    Not,
    Null,
    Or,
    True,
}

const WORDS: [(&str, Word); 10] = [
    ("and", Word::And),
    ("between", Word::Between),
    ("false", Word::False),
    ("in", Word::In),
    ("is", Word::Is),
    ("like", Word::Like),
    ("not", Word::Not),
    ("null", Word::Null),
    ("or", Word::Or),
    ("true", Word::True),
];

/// What people write out of the habit of another language, and what it is called here.
const HABITS: [(&str, &str); 6] =
    [("==", "`=`"), ("=~", "LIKE"), ("&", "AND"), ("|", "OR"), ("!", "NOT, or `!=` for unequal"), ("~", "LIKE")];

/// Symbols, longer ones before those that they begin with.
const SYMBOLS: [(&str, Kind<'static>); 10] = [
    ("!=", Kind::Comparison(Comparison::Unequal)),
    ("<>", Kind::Comparison(Comparison::Unequal)),
    ("<=", Kind::Comparison(Comparison::LessOrEqual)),
    (">=", Kind::Comparison(Comparison::GreaterOrEqual)),
    ("<", Kind::Comparison(Comparison::Less)),
    (">", Kind::Comparison(Comparison::Greater)),
    ("=", Kind::Comparison(Comparison::Equal)),
    ("(", Kind::Open),
    (")", Kind::Close),
    (",", Kind::Comma),
];

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token; at the end, `End` for ever.
    pub(super) fn next(&mut self) -> Result<Token<'t>, FilterFault> {
        self.at = self.text.len() - self.text[self.at..].trim_start().len();
        let at = self.at;
        let rest = &self.text[at..];
        let kind = match rest.chars().next() {
            None => Kind::End,
            Some('\'') => self.quoted()?,
            Some(c) if c.is_ascii_digit() || c == '-' => self.number()?,
            Some(c) if c == '"' || is_plain(c) => self.path()?,
            Some(_) => self.symbol()?,
        };
        Ok(Token { kind, at, length: self.at - at })
    }

    fn quoted(&mut self) -> Result<Kind<'t>, FilterFault> {
        let rest = &self.text[self.at..];
        match path::quoted_text(&rest[1..], '\'') {
            Some((content, length)) => {
                self.at += 1 + length;
                Ok(Kind::Text(content))
            }
            None => {
                Err(self.fault(rest.len(), "a text does not end", "a closing `'` (one inside the text is doubled)"))
            }
        }
    }

    fn number(&mut self) -> Result<Kind<'t>, FilterFault> {
        let rest = &self.text[self.at..];
        let length = number_length(rest.as_bytes()).unwrap_or(0);
        let run_on = rest[length..].find(|c| !(is_plain(c) || c == '.')).map_or(rest.len(), |more| length + more);
        if length == 0 || run_on > length {
            let message = format!("{} is no number", Shown(&rest[..run_on]));
            return Err(self.fault(run_on, message, "digits, with a fraction or an exponent, e.g. -12.50 or 1e6"));
        }
        self.at += length;
        Ok(Kind::Number(&rest[..length]))
    }

    fn path(&mut self) -> Result<Kind<'t>, FilterFault> {
        let start = self.at;
        let (path, end) = Path::dotted(self.text, start)?;
        self.at = end;
        let word = &self.text[start..end];
        match WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) {
            Some((_, word)) => Ok(Kind::Word(*word)),
            None => Ok(Kind::Path { path, quoted: word.starts_with('"') }),
        }
    }

    fn symbol(&mut self) -> Result<Kind<'t>, FilterFault> {
        let rest = &self.text[self.at..];
        let written = |(symbol, _): &&(&str, _)| rest.starts_with(symbol);
        let known = SYMBOLS.iter().find(|(symbol, _)| rest.starts_with(symbol));
        let habit =
            HABITS.iter().find(written).filter(|(habit, _)| known.is_none_or(|(known, _)| known.len() < habit.len()));
        if let Some((habit, expected)) = habit {
            let length = rest.len() - rest.trim_start_matches(&habit[..1]).len();
            let length = length.max(habit.len());
            return Err(self.fault(length, format!("{} is not known here", Shown(&rest[..length])), *expected));
        }
        if let Some((symbol, kind)) = known {
            self.at += symbol.len();
            return Ok(kind.clone());
        }
        let length = rest.chars().next().map_or(0, char::len_utf8);
        let message = format!("{} does not belong here", Shown(&rest[..length]));
        Err(self.fault(length, message, "a path, a literal, an operator, or an end"))
    }

    fn fault(&self, length: usize, message: impl Into<String>, expected: impl Into<String>) -> FilterFault {
        FilterFault::new(self.text, self.at..self.at + length, message, expected)
    }
}

/// The length of the number with which the text begins.
fn number_length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let count = text.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
        (count > 0).then_some(from + count)
    };
    let mut end = digits(usize::from(text.first() == Some(&b'-')))?;
    if text.get(end) == Some(&b'.') {
        end = digits(end + 1)?;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let signed = matches!(text.get(end + 1), Some(b'+' | b'-'));
        end = digits(end + 1 + usize::from(signed))?;
    }
    Some(end)
}
