//! A reader of JSON that builds nothing: it walks over a frame once and hands out pieces of it.
//!
//! Hostile text costs no more than its length: nesting is bounded, and nothing is looked at twice.

use std::borrow::Cow;

use crate::text::{Text, plain};

const DEPTH_MAX: u32 = 128;

/// The frame is not the JSON that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

pub type Read<T> = Result<T, Malformed>;

pub struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    is_wide: bool, // something beyond ASCII stands in it, which it may only do inside strings
}

impl<'a> Scan<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, is_wide: false }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The next byte that is not white space.
    fn next(&mut self) -> Read<u8> {
        while let Some(byte) = self.peek() {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(Malformed("the frame ends too early"))
    }

    fn expect(&mut self, wanted: u8) -> Read<()> {
        if self.next()? == wanted {
            self.at += 1;
            return Ok(());
        }
        Err(Malformed("another sign was expected"))
    }

    /// Nothing but white space is left, and all of it was UTF-8.
    pub fn end(&mut self) -> Read<()> {
        if self.next().is_ok() {
            return Err(Malformed("something stands behind the message"));
        }
        if self.is_wide && std::str::from_utf8(self.text).is_err() {
            return Err(Malformed("not UTF-8"));
        }
        Ok(())
    }

    /// Each member of an object by its key.
    pub fn object(&mut self, mut member: impl FnMut(&[u8], &mut Self) -> Read<()>) -> Read<()> {
        self.expect(b'{')?;
        if self.next()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.expect(b':')?;
            member(&key, self)?;
            if self.is_last(b'}')? {
                return Ok(());
            }
        }
    }

    /// Each item of an array.
    pub fn array(&mut self, mut item: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        self.expect(b'[')?;
        if self.next()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            if self.is_last(b']')? {
                return Ok(());
            }
        }
    }

    fn is_last(&mut self, closing: u8) -> Read<bool> {
        let byte = self.next()?;
        self.at += 1;
        match byte {
            b',' => Ok(false),
            _ if byte == closing => Ok(true),
            _ => Err(Malformed("a comma was expected")),
        }
    }

    /// `[text, text]` and nothing more in it, both of which are to be numbers.
    #[inline]
    pub fn pair(&mut self) -> Read<(Text<'a>, Text<'a>)> {
        match self.plain_pair() {
            Some(found) => Ok(found),
            None => self.any_pair(),
        }
    }

    /// The common case: two plain numbers with no white space anywhere.
    #[inline]
    fn plain_pair(&mut self) -> Option<(Text<'a>, Text<'a>)> {
        let rest = self.text.get(self.at..)?.strip_prefix(b"[\"")?;
        let (first, first_decimals, end) = plain(rest)?;
        let rest = rest[end..].strip_prefix(b"\",\"")?;
        let (second, second_decimals, end) = plain(rest)?;
        let rest = rest[end..].strip_prefix(b"\"]")?;
        self.at = self.text.len() - rest.len();
        Some((Text::Plain(first, first_decimals), Text::Plain(second, second_decimals)))
    }

    fn any_pair(&mut self) -> Read<(Text<'a>, Text<'a>)> {
        self.expect(b'[')?;
        let first = self.quoted()?;
        self.expect(b',')?;
        let second = self.quoted()?;
        self.expect(b']')?;
        Ok((first, second))
    }

    /// A number inside a string.
    fn quoted(&mut self) -> Read<Text<'a>> {
        self.string().map(Text::of)
    }

    /// A number by itself, or whatever stands in its place.
    #[inline]
    pub fn bare(&mut self) -> Read<Text<'a>> {
        let starts_with_zero = self.next()? == b'0';
        if let Some((digits, decimals, end)) = plain(&self.text[self.at..]) {
            let is_json = !starts_with_zero || !matches!(self.text.get(self.at + 1), Some(b'0'..=b'9'));
            if is_json && matches!(self.text.get(self.at + end), Some(b',' | b'}' | b' ' | b'\n' | b'\r' | b'\t')) {
                self.at += end;
                return Ok(Text::Plain(digits, decimals));
            }
        }
        self.value().map(|text| Text::other(Cow::Borrowed(text)))
    }

    /// The text of a string.
    pub fn string(&mut self) -> Read<Cow<'a, [u8]>> {
        self.expect(b'"')?;
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    let piece = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(Cow::Borrowed(piece));
                }
                b'\\' => return self.escaped(start),
                0..0x20 => return Err(Malformed("a control sign inside a string")),
                _ => {
                    self.is_wide |= byte >= 0x80;
                    self.at += 1;
                }
            }
        }
        Err(Malformed("a string does not end"))
    }

    /// The rest of a string in which something is escaped, which began at `start`.
    fn escaped(&mut self, start: usize) -> Read<Cow<'a, [u8]>> {
        let mut made = self.text[start..self.at].to_vec();
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' => return Ok(Cow::Owned(made)),
                b'\\' => {
                    let sign = self.escape()?;
                    made.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
                }
                0..0x20 => return Err(Malformed("a control sign inside a string")),
                _ => {
                    self.is_wide |= byte >= 0x80;
                    made.push(byte);
                }
            }
        }
        Err(Malformed("a string does not end"))
    }

    fn escape(&mut self) -> Read<char> {
        let byte = self.peek().ok_or(Malformed("a string does not end"))?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_point(),
            _ => return Err(Malformed("an unknown escape")),
        })
    }

    fn code_point(&mut self) -> Read<char> {
        let first = self.hex()?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first).ok_or(Malformed("half a surrogate"));
        }
        if self.text.get(self.at..self.at + 2) != Some(b"\\u") {
            return Err(Malformed("half a surrogate"));
        }
        self.at += 2;
        let second = self.hex()?;
        if !(0xDC00..0xE000).contains(&second) {
            return Err(Malformed("half a surrogate"));
        }
        char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)).ok_or(Malformed("half a surrogate"))
    }

    fn hex(&mut self) -> Read<u32> {
        let four = self.text.get(self.at..self.at + 4).ok_or(Malformed("an escape ends too early"))?;
        self.at += 4;
        four.iter().try_fold(0, |value, byte| {
            let digit = char::from(*byte).to_digit(16).ok_or(Malformed("an unknown escape"))?;
            Ok(value * 16 + digit)
        })
    }

    /// A whole number from 0 to 2^63 - 1.
    pub fn whole_number(&mut self) -> Read<i64> {
        let first = self.next()?;
        let text = self.number()?;
        let plain = first != b'-' || text == b"-0";
        if !plain || text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
            return Err(Malformed("a whole number from zero on was expected"));
        }
        let digits = if text == b"-0" { b"0" } else { text };
        digits
            .iter()
            .try_fold(0i64, |value, byte| value.checked_mul(10)?.checked_add(i64::from(byte - b'0')))
            .ok_or(Malformed("a number is too large"))
    }

    /// The digits of a number, by the grammar of JSON.
    fn number(&mut self) -> Read<&'a [u8]> {
        const WRONG: Malformed = Malformed("not a number");
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(WRONG),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Read<()> {
        let start = self.at;
        self.digits();
        if self.at == start { Err(Malformed("not a number")) } else { Ok(()) }
    }

    /// Walk over a value, whatever it is, and hand out its text.
    pub fn value(&mut self) -> Read<&'a [u8]> {
        self.next()?;
        let start = self.at;
        self.skip(0)?;
        Ok(&self.text[start..self.at])
    }

    fn skip(&mut self, depth: u32) -> Read<()> {
        if depth > DEPTH_MAX {
            return Err(Malformed("nested too deeply"));
        }
        match self.next()? {
            b'"' => self.string().map(drop),
            b'{' => self.object(|_, inside| inside.skip(depth + 1)),
            b'[' => self.array(|inside| inside.skip(depth + 1)),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number().map(drop),
        }
    }

    fn word(&mut self, word: &[u8]) -> Read<()> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        Err(Malformed("an unknown word"))
    }

    /// Read a value one way; where it is something else, walk over it.
    pub fn attempt<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        let start = self.at;
        if let Ok(found) = read(self) {
            return Ok(Some(found));
        }
        self.at = start;
        self.value().map(|_| None)
    }

    /// Whether the next value is `null`, which is walked over then.
    pub fn is_null(&mut self) -> Read<bool> {
        if self.next()? != b'n' {
            return Ok(false);
        }
        self.word(b"null").map(|()| true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &[u8]) -> Scan<'_> {
        Scan::new(text)
    }

    #[test]
    fn strings_are_read_with_their_escapes() {
        let cases: [(&str, &str); 4] =
            [(r#""abc""#, "abc"), (r#""BTC\/USD""#, "BTC/USD"), (r#""\u0041\ud83d\ude00""#, "A😀"), (r#""é""#, "é")];
        for (text, expected) in cases {
            assert_eq!(scan(text.as_bytes()).string().as_deref(), Ok(expected.as_bytes()), "{text}");
        }
        for text in [r#"""#, r#""\x""#, r#""\ud83d""#, r#""\u12""#, "\"\n\"", "\"\u{1}\""] {
            assert!(scan(text.as_bytes()).string().is_err(), "{text}");
        }
        let mut wide = scan(b"\"\xff\"");
        assert!(wide.string().is_ok() && wide.end().is_err());
    }

    #[test]
    fn deep_nesting_ends_in_an_error() {
        let deep = "[".repeat(100_000);
        assert!(scan(deep.as_bytes()).value().is_err());
    }

    #[test]
    fn values_are_walked_over_whole() {
        let text = br#" {"a":[1,-2.5e3,true,null,{"b":"]}"}],"c":0} "#;
        let mut inside = scan(text);
        assert_eq!(inside.value().map(<[u8]>::len), Ok(text.len() - 2));
        assert!(inside.end().is_ok());
        for wrong in ["{", "[1,]", "{\"a\" 1}", "01", "1.", "-", "tru", "nul", "{\"a\":1,}"] {
            let mut inside = scan(wrong.as_bytes());
            assert!(inside.value().and_then(|_| inside.end()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn whole_numbers_have_bounds() {
        assert_eq!(scan(b"9223372036854775807").whole_number(), Ok(i64::MAX));
        for wrong in ["9223372036854775808", "-1", "1.0", "1e3", "\"1\"", "null"] {
            assert!(scan(wrong.as_bytes()).whole_number().is_err(), "{wrong}");
        }
    }
}
