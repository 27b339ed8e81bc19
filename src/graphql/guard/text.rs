//! Bounds on the text of a document, measured in one pass without recursion.
//!
//! The pass must agree with the parser on where strings and comments end, or brackets could hide
//! from it; whatever is not plainly closed is therefore refused here already.

use super::too_much;
use crate::error::{Error, Result};

/// Bytes of a document.
pub(super) const MAX_BYTES: usize = 64 * 1024;
/// Names, numbers, strings and punctuation.
const MAX_TOKENS: usize = 5_000;
/// Brackets open at once, of all kinds.
const MAX_NESTING: usize = 64;
/// `...`, of fragments with a name and without.
const MAX_SPREADS: usize = 250;
/// Bytes of one name or number; wrong ones are compared with every right one to suggest it.
const MAX_WORD_BYTES: usize = 200;

/// Refuses a text that would cost too much to parse. Otherwise says how deep the values of its
/// arguments nest.
pub(super) fn check(query: &str) -> Result<usize> {
    if query.len() > MAX_BYTES {
        return Err(too_much("bytes", MAX_BYTES));
    }
    let mut rest = query.as_bytes();
    let (mut tokens, mut nesting, mut spreads) = (0usize, 0usize, 0usize);
    // The level of the parenthesis that encloses everything here, and the deepest value in any.
    let (mut arguments, mut values) = (None, 0usize);
    while let Some((&byte, tail)) = rest.split_first() {
        rest = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                rest = tail;
                continue;
            }
            b'#' => {
                rest = after_comment(tail);
                continue;
            }
            b'"' => after_string(rest)?,
            b'(' | b'[' | b'{' => {
                nesting += 1;
                match arguments {
                    Some(level) => values = values.max(nesting - level),
                    None if byte == b'(' => arguments = Some(nesting),
                    None => {}
                }
                tail
            }
            b')' | b']' | b'}' => {
                nesting = nesting.saturating_sub(1);
                arguments = arguments.filter(|level| nesting >= *level);
                tail
            }
            b'.' if rest.starts_with(b"...") => {
                spreads += 1;
                rest.get(3..).unwrap_or_default()
            }
            _ if is_word(byte) => after_word(tail)?,
            _ => tail,
        };
        tokens += 1;
        if tokens > MAX_TOKENS {
            return Err(too_much("tokens", MAX_TOKENS));
        }
        if nesting > MAX_NESTING {
            return Err(too_much("levels of brackets", MAX_NESTING));
        }
        if spreads > MAX_SPREADS {
            return Err(too_much("fragment spreads", MAX_SPREADS));
        }
    }
    Ok(values)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn after_word(rest: &[u8]) -> Result<&[u8]> {
    let end = rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len());
    if end > MAX_WORD_BYTES {
        return Err(too_much("bytes in one name", MAX_WORD_BYTES));
    }
    Ok(rest.get(end..).unwrap_or_default())
}

fn after_comment(rest: &[u8]) -> &[u8] {
    let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
    rest.get(end..).unwrap_or_default()
}

fn after_string(rest: &[u8]) -> Result<&[u8]> {
    let unclosed = || Error::Invalid { field: None, message: "The document holds a string that does not end.".into() };
    if let Some(mut rest) = rest.strip_prefix(br#"""""#) {
        loop {
            if let Some(tail) = rest.strip_prefix(br#"\""""#) {
                rest = tail;
            } else if let Some(tail) = rest.strip_prefix(br#"""""#) {
                return Ok(tail);
            } else {
                rest = rest.split_first().ok_or_else(unclosed)?.1;
            }
        }
    }
    let mut rest = rest.get(1..).unwrap_or_default();
    loop {
        let (byte, tail) = rest.split_first().ok_or_else(unclosed)?;
        rest = match byte {
            b'"' => return Ok(tail),
            b'\n' | b'\r' => return Err(unclosed()),
            b'\\' => match tail.split_first().ok_or_else(unclosed)? {
                (b'\n' | b'\r', _) => return Err(unclosed()),
                (_, tail) => tail,
            },
            _ => tail,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_only_where_the_parser_sees_them() {
        let brackets = "[".repeat(MAX_NESTING + 1);
        assert!(check(&brackets).is_err());
        assert!(check(&format!("# {brackets}")).is_ok());
        assert!(check(&format!("# x\n{brackets}")).is_err());
        assert!(check(&format!("# x\r{brackets}")).is_err());
        assert!(check(&format!(r#""\"{brackets}""#)).is_ok());
        assert!(check(&format!(r#""\\"{brackets}"#)).is_err());
        assert!(check(&format!(r#""""\"""{brackets}""""#)).is_ok());
        assert!(check(&format!(r##""""#"""{brackets}"##)).is_err());
        assert!(check(&format!(r#""""""" {brackets}"#)).is_err());
        assert!(check(&format!(r#""" {brackets}"#)).is_err());
    }

    #[test]
    fn values_are_measured_within_parentheses() {
        for (query, depth) in [
            ("{ a { b { c } } }", 0),
            ("{ a(x: 1) { b { c } } }", 0),
            ("{ a(x: [1], y: {z: [2]}) { b(x: {y: 1}) } }", 2),
            ("query($a: [Int] = [[1]]) { a(x: $a) { b { c } } }", 2),
        ] {
            assert_eq!(check(query).ok(), Some(depth), "{query}");
        }
    }

    #[test]
    fn strings_must_end() {
        for text in ["\"", "\"\\", "\"\\\"", "\"a\nb\"", "\"\"\"", "\"\"\" \\\"\"\"", "\"a\\\n\""] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_bound_holds() {
        assert!(check(&" ".repeat(MAX_BYTES)).is_ok());
        assert!(check(&" ".repeat(MAX_BYTES + 1)).is_err());
        assert!(check(&"a ".repeat(MAX_TOKENS)).is_ok());
        assert!(check(&"a ".repeat(MAX_TOKENS + 1)).is_err());
        assert!(check(&"...".repeat(MAX_SPREADS + 1)).is_err());
        assert!(check(&"a".repeat(MAX_WORD_BYTES + 2)).is_err());
        assert!(check(&"{}".repeat(MAX_NESTING + 1)).is_ok());
    }
}
