//! LIKE, compiled once and matched in time linear in the text.
//!
//! A pattern is cut at its `%`. What stands before the first must begin the text, what stands after the last must end it,
//! and each stretch between is found at its leftmost place after the one before: no other choice can do better, so nothing
//! is ever tried twice. A stretch without `_` is found by the standard library's search, one with `_` by one machine word
//! that holds a bit for each of its characters (Shift-And); so it has at most [`LIKE_STRETCH`](limits::LIKE_STRETCH).

use crate::limits;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct Like {
    head: Vec<Unit>,
    /// What follows the first `%`; none: there is no `%`.
    rest: Option<(Vec<Stretch>, Vec<Unit>)>,
}

/// A character of the pattern; none: any (`_`).
type Unit = Option<char>;

#[derive(Debug, Clone)]
enum Stretch {
    Plain(String),
    /// For each character that occurs, sorted, the bits of the places where it may stand; for all others, `open`.
    Masked {
        masks: Vec<(char, u64)>,
        open: u64,
        last: u64,
    },
}

/// Why a pattern is none: what is wrong, and what is expected.
pub(super) type Unlike = (String, String);

impl Like {
    /// Compiles a pattern.
    pub(super) fn compile(pattern: &str) -> Result<Self, Unlike> {
        let (mut units, mut cuts) = (Vec::new(), Vec::new());
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            match c {
                '%' => cuts.push(units.len()),
                '_' => units.push(None),
                '\\' => match chars.next() {
                    Some(c @ ('%' | '_' | '\\')) => units.push(Some(c)),
                    _ => {
                        return Err((
                            r"a `\` stands in the pattern before something else".into(),
                            r"\%, \_ or \\".into(),
                        ));
                    }
                },
                c => units.push(Some(c)),
            }
        }
        Self::cut(&units, &cuts)
    }

    /// `cuts`: how many units stand before each `%`.
    fn cut(units: &[Unit], cuts: &[usize]) -> Result<Self, Unlike> {
        let (Some(&first), Some(&last)) = (cuts.first(), cuts.last()) else {
            return Ok(Self { head: units.to_vec(), rest: None });
        };
        let between = cuts.windows(2).map(|pair| &units[pair[0]..pair[1]]).filter(|stretch| !stretch.is_empty());
        let stretches = between.map(Stretch::compile).collect::<Result<_, _>>()?;
        Ok(Self { head: units[..first].to_vec(), rest: Some((stretches, units[last..].to_vec())) })
    }

    /// Whether the pattern matches the whole text.
    pub(super) fn matches(&self, text: &str) -> bool {
        let Some(text) = without_head(text, &self.head) else { return false };
        let Some((stretches, tail)) = &self.rest else { return text.is_empty() };
        let Some(text) = without_tail(text, tail) else { return false };
        stretches.iter().try_fold(text, |text, stretch| stretch.after(text)).is_some()
    }
}

impl Stretch {
    fn compile(units: &[Unit]) -> Result<Self, Unlike> {
        if let Some(plain) = units.iter().copied().collect() {
            return Ok(Self::Plain(plain));
        }
        if units.len() > limits::LIKE_STRETCH {
            let message = format!("the pattern has {} characters, with _, between two %", units.len());
            return Err((message, format!("at most {} (LIKE_STRETCH)", limits::LIKE_STRETCH)));
        }
        let bits = |wanted: Unit| {
            let places = units.iter().enumerate().filter(move |(_, unit)| **unit == wanted);
            places.fold(0, |bits, (place, _)| bits | 1 << place)
        };
        let open: u64 = bits(None);
        let mut masks: Vec<(char, u64)> = units.iter().flatten().map(|&c| (c, open | bits(Some(c)))).collect();
        masks.sort_unstable();
        masks.dedup();
        Ok(Self::Masked { masks, open, last: 1 << (units.len() - 1) })
    }

    /// What follows its leftmost place.
    fn after<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Plain(plain) => text.find(plain.as_str()).map(|at| &text[at + plain.len()..]),
            Self::Masked { masks, open, last } => {
                let mut state = 0_u64;
                text.char_indices().find_map(|(at, c)| {
                    let mask = masks.binary_search_by_key(&c, |(c, _)| *c).map_or(*open, |index| masks[index].1);
                    state = (state << 1 | 1) & mask;
                    (state & last != 0).then(|| &text[at + c.len_utf8()..])
                })
            }
        }
    }
}

fn without_head<'t>(text: &'t str, head: &[Unit]) -> Option<&'t str> {
    let mut chars = text.chars();
    head.iter().all(|unit| fits(chars.next(), *unit)).then_some(chars.as_str())
}

fn without_tail<'t>(text: &'t str, tail: &[Unit]) -> Option<&'t str> {
    let mut chars = text.chars();
    tail.iter().rev().all(|unit| fits(chars.next_back(), *unit)).then_some(chars.as_str())
}

fn fits(found: Option<char>, wanted: Unit) -> bool {
    found.is_some_and(|found| wanted.is_none_or(|wanted| wanted == found))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn like(pattern: &str, text: &str) -> bool {
        Like::compile(pattern).expect("a pattern").matches(text)
    }

    #[test]
    fn patterns_match_the_whole_text() {
        let table = [
            ("", "", true),
            ("", "a", false),
            ("%", "", true),
            ("%%", "abc", true),
            ("abc", "abc", true),
            ("abc", "ABC", false),
            ("a%", "abc", true),
            ("%c", "abc", true),
            ("%b%", "abc", true),
            ("a%a", "a", false),
            ("_", "é", true),
            ("_", "", false),
            ("_%_", "a", false),
            ("%a_c%", "xxabcxx", true),
            ("%a_c%", "xxac", false),
            ("%ab%bc%", "abc", false),
            ("%_b%_b%", "abab", true),
            (r"100\%", "100%", true),
            (r"100\%", "1000", false),
            (r"a\_b", "a_b", true),
            (r"a\_b", "axb", false),
            (r"\\%", r"\x", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(like(pattern, text), expected, "{text:?} LIKE {pattern:?}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in [r"\", r"a\b", r"%\"] {
            assert!(Like::compile(pattern).is_err(), "{pattern}");
        }
        let stretch = |chars: usize| format!("%{}_%", "a".repeat(chars - 1));
        assert!(Like::compile(&stretch(limits::LIKE_STRETCH)).is_ok());
        let (_, expected) = Like::compile(&stretch(limits::LIKE_STRETCH + 1)).expect_err("too long");
        assert_eq!(expected, "at most 64 (LIKE_STRETCH)");
    }

    /// The definition, in time exponential in the pattern.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], text) => text.is_empty(),
            (['%', rest @ ..], text) => (0..=text.len()).any(|skipped| naive(rest, &text[skipped..])),
            (['_', rest @ ..], [_, text @ ..]) => naive(rest, text),
            (['\\', wanted, rest @ ..] | [wanted, rest @ ..], [found, text @ ..]) => {
                wanted == found && naive(rest, text)
            }
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        #[test]
        fn the_matcher_agrees_with_the_definition(
            pattern in r"([abé%_]|\\%|\\_|\\\\){0,10}",
            text in r"[abé%_\\]{0,12}",
        ) {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(like(&pattern, &text), naive(&chars(&pattern), &chars(&text)));
        }
    }
}
