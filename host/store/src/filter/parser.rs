//! From words to an [`Expression`], by recursive descent. Its depth is that of parentheses and NOTs, which is bounded.

use std::ops::Range;

use super::{
    FilterFault, Subject,
    expression::{Comparison, Expression, Operand, Slot},
    like::Like,
    paths::Paths,
    token::{Kind, Lexer, Token, Word},
};
use crate::limits;

mod operand;

use operand::{A_LITERAL, Side, What};

type Parsed<T> = Result<T, FilterFault>;

const A_TEST: &str = "a path, `(` or NOT";
const AN_OPERAND: &str = "a path, 'text', a number, true, false or null";
const AN_OPERATOR: &str = "=, !=, <, <=, >, >=, IN, LIKE, BETWEEN, IS NULL, or NOT before one of these words";

/// Parses an expression, and collects the paths that it reads.
pub(super) fn parse(text: &str, subject: Subject) -> Parsed<(Expression, Paths)> {
    if text.len() > limits::FILTER_BYTES {
        return Err(FilterFault::too_long(text, limits::FILTER_BYTES, "FILTER_BYTES"));
    }
    let mut lexer = Lexer::new(text);
    let token = lexer.next()?;
    let mut parser = Parser { text, lexer, token, subject, paths: Paths::default(), depth: 0, nodes: 0 };
    let expression = parser.any()?;
    match parser.token.kind {
        Kind::End => Ok((expression, parser.paths)),
        Kind::Close => Err(parser.unexpected("a `)` closes nothing", "AND, OR or the end")),
        _ => Err(parser.unexpected("the expression goes on after its end", "AND, OR or the end")),
    }
}

struct Parser<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    /// The next one.
    token: Token<'t>,
    subject: Subject,
    paths: Paths,
    depth: usize,
    nodes: usize,
}

impl<'t> Parser<'t> {
    fn any(&mut self) -> Parsed<Expression> {
        let first = self.all()?;
        let mut parts = vec![first];
        while self.takes(Word::Or)? {
            parts.push(self.all()?);
        }
        Ok(alone(&mut parts).unwrap_or(Expression::Any(parts)))
    }

    fn all(&mut self) -> Parsed<Expression> {
        let first = self.negation()?;
        let mut parts = vec![first];
        while self.takes(Word::And)? {
            parts.push(self.negation()?);
        }
        Ok(alone(&mut parts).unwrap_or(Expression::All(parts)))
    }

    fn negation(&mut self) -> Parsed<Expression> {
        match self.token.kind {
            Kind::Word(Word::Not) => {
                self.deeper()?;
                self.advance()?;
                let inner = self.negation()?;
                self.depth -= 1;
                Ok(Expression::Not(Box::new(inner)))
            }
            Kind::Open => {
                self.deeper()?;
                let open = self.advance()?;
                let inner = self.any()?;
                self.closes(&open, "`)`, AND or OR")?;
                self.depth -= 1;
                Ok(inner)
            }
            _ => self.test(),
        }
    }

    fn test(&mut self) -> Parsed<Expression> {
        self.node()?;
        let left = self.side("a test is missing", A_TEST)?;
        let What::Path { slot, time } = left.what else { return self.turned(left) };
        if let Kind::Comparison(comparison) = self.token.kind {
            self.advance()?;
            return self.comparison(slot, time, comparison);
        }
        let not = self.takes(Word::Not)?;
        let Kind::Word(word @ (Word::In | Word::Like | Word::Between | Word::Is)) = self.token.kind else {
            return Err(match not {
                true => self.unexpected("NOT stands before no test", "IN, LIKE or BETWEEN"),
                false => self.unexpected("a path is followed by no test", AN_OPERATOR),
            });
        };
        if not && word == Word::Is {
            return Err(self.unexpected("NOT stands before IS", "IS NOT NULL"));
        }
        self.advance()?;
        match word {
            Word::In => self.list(slot, time, not),
            Word::Like => self.like(slot, time, not),
            Word::Between => self.between(slot, time, not),
            _ => self.null(slot),
        }
    }

    /// `literal comparison path`.
    fn turned(&mut self, left: Side<'t>) -> Parsed<Expression> {
        let Kind::Comparison(comparison) = self.token.kind else {
            return Err(self.unexpected("a literal is followed by no comparison", "=, !=, <, <=, > or >="));
        };
        self.advance()?;
        let right = self.side("a comparison has no right side", "a path, since its left side is a literal")?;
        let What::Path { slot, time } = right.what else {
            let message = "a literal is compared with a literal";
            return Err(self.fault(right.place, message, "a path on one side"));
        };
        let comparison = comparison.turned();
        let literal = self.literal(left, time, comparison)?;
        Ok(Expression::Compare { path: slot, comparison, right: Operand::Literal(literal) })
    }

    fn comparison(&mut self, path: Slot, time: bool, comparison: Comparison) -> Parsed<Expression> {
        self.doubly_quoted()?;
        let right = self.side("a comparison has no right side", AN_OPERAND)?;
        let right = self.operand(right, time, comparison)?;
        Ok(Expression::Compare { path, comparison, right })
    }

    fn between(&mut self, path: Slot, time: bool, negated: bool) -> Parsed<Expression> {
        self.node()?;
        let (low, high) = match negated {
            false => (Comparison::GreaterOrEqual, Comparison::LessOrEqual),
            true => (Comparison::Less, Comparison::Greater),
        };
        let low = self.comparison(path, time, low)?;
        if !self.takes(Word::And)? {
            return Err(self.unexpected("BETWEEN has no upper bound", "AND and the upper bound"));
        }
        let high = self.comparison(path, time, high)?;
        let bounds = vec![low, high];
        Ok(if negated { Expression::Any(bounds) } else { Expression::All(bounds) })
    }

    fn list(&mut self, path: Slot, time: bool, negated: bool) -> Parsed<Expression> {
        if self.token.kind != Kind::Open {
            return Err(self.unexpected("IN has no list", "`(`"));
        }
        let open = self.advance()?;
        let mut list = Vec::new();
        loop {
            self.node()?;
            self.doubly_quoted()?;
            let side = self.side("a literal is missing in the list", A_LITERAL)?;
            list.push(self.literal(side, time, Comparison::Equal)?);
            if self.token.kind != Kind::Comma {
                break;
            }
            self.advance()?;
        }
        self.closes(&open, "`)` or `,`")?;
        Ok(Expression::In { path, negated, list })
    }

    fn like(&mut self, path: Slot, time: bool, negated: bool) -> Parsed<Expression> {
        if time {
            return Err(
                self.unexpected("LIKE is a test of text, and this is a time", "a comparison or BETWEEN before it")
            );
        }
        self.doubly_quoted()?;
        let Kind::Text(pattern) = &self.token.kind else {
            return Err(
                self.unexpected("LIKE has no pattern", "'text', in which % stands for any characters, _ for one")
            );
        };
        let pattern = Like::compile(pattern).map_err(|(message, expected)| self.unexpected(message, expected))?;
        self.advance()?;
        Ok(Expression::Like { path, negated, pattern: Box::new(pattern) })
    }

    fn null(&mut self, path: Slot) -> Parsed<Expression> {
        let negated = self.takes(Word::Not)?;
        if !self.takes(Word::Null)? {
            return Err(self.unexpected("IS tests for null only", "NULL or NOT NULL"));
        }
        Ok(Expression::Null { path, negated })
    }

    fn takes(&mut self, word: Word) -> Parsed<bool> {
        let found = self.token.kind == Kind::Word(word);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn closes(&mut self, open: &Token<'t>, expected: &str) -> Parsed<()> {
        if self.token.kind != Kind::Close {
            let column = self.text[..open.at].chars().count() + 1;
            return Err(self.unexpected(format!("the `(` in column {column} is not closed here"), expected));
        }
        self.advance().map(drop)
    }

    /// Goes on to the next token, and gives the one before.
    fn advance(&mut self) -> Parsed<Token<'t>> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > limits::FILTER_DEPTH {
            let expected = format!("at most {} levels (FILTER_DEPTH)", limits::FILTER_DEPTH);
            return Err(self.unexpected("parentheses and NOTs are nested too deeply", expected));
        }
        Ok(())
    }

    fn node(&mut self) -> Parsed<()> {
        self.nodes += 1;
        if self.nodes > limits::FILTER_NODES {
            let expected = format!("at most {} tests and listed literals (FILTER_NODES)", limits::FILTER_NODES);
            return Err(self.unexpected("the expression has too many parts", expected));
        }
        Ok(())
    }

    fn place(&self) -> Range<usize> {
        self.token.at..self.token.at + self.token.length
    }

    fn unexpected(&self, message: impl Into<String>, expected: impl Into<String>) -> FilterFault {
        self.fault(self.place(), message, expected)
    }

    fn fault(&self, place: Range<usize>, message: impl Into<String>, expected: impl Into<String>) -> FilterFault {
        FilterFault::new(self.text, place, message, expected)
    }
}

/// The only part, where there is one only.
fn alone(parts: &mut Vec<Expression>) -> Option<Expression> {
    if parts.len() == 1 { parts.pop() } else { None }
}
