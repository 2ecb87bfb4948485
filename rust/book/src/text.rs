//! The digits of one number in a frame: read on the way where they are plain, kept as they are otherwise.

use std::borrow::Cow;

/// A number as the venue wrote it.
#[derive(Debug, Clone)]
pub enum Text<'a> {
    /// At most eighteen digits, and how many of them are decimals.
    Plain(u64, u32),
    /// Whatever else stands there.
    Other(Box<Cow<'a, [u8]>>), // rare, so it is the small number that decides how large a text is
}

impl<'a> Text<'a> {
    pub fn of(text: Cow<'a, [u8]>) -> Self {
        match plain(&text) {
            Some((digits, decimals, end)) if end == text.len() => Self::Plain(digits, decimals),
            _ => Self::other(text),
        }
    }

    pub fn other(text: Cow<'a, [u8]>) -> Self {
        Self::Other(Box::new(text))
    }

    pub fn into_owned(self) -> Text<'static> {
        match self {
            Self::Plain(digits, decimals) => Text::Plain(digits, decimals),
            Self::Other(text) => Text::other(Cow::Owned(text.into_owned())),
        }
    }
}

const EIGHT: usize = 8;
const WHOLE_MAX: usize = 10; // so that eight decimals behind it are eighteen digits at most

/// Digits, how many of them are decimals, and where they end.
pub type Plain = (u64, u32, usize);

/// The plain number at the start of a text: its digits, how many are decimals, and where it ends.
#[inline]
pub fn plain(text: &[u8]) -> Option<Plain> {
    let mut value = 0u64;
    let mut at = 0;
    while let Some(digit) = digit_at(text, at) {
        if at == WHOLE_MAX {
            return None;
        }
        value = value * 10 + digit;
        at += 1;
    }
    if at == 0 {
        return None;
    }
    if text.get(at) != Some(&b'.') {
        return Some((value, 0, at));
    }
    at += 1;
    if let Some(eight) = text.get(at..at + EIGHT).and_then(eight_digits) {
        at += EIGHT;
        return digit_at(text, at).is_none().then_some((value * 100_000_000 + eight, 8, at));
    }
    let start = at;
    while let Some(digit) = digit_at(text, at) {
        value = value * 10 + digit;
        at += 1; // seven at most, since there were not eight
    }
    let decimals = at - start;
    if decimals == 0 {
        return None;
    }
    Some((value, u32::try_from(decimals).ok()?, at))
}

#[inline]
fn digit_at(text: &[u8], at: usize) -> Option<u64> {
    let digit = text.get(at)?.wrapping_sub(b'0');
    (digit < 10).then_some(u64::from(digit))
}

/// Eight bytes that are all digits, read at once.
#[inline]
fn eight_digits(text: &[u8]) -> Option<u64> {
    let word = u64::from_le_bytes(text.try_into().ok()?);
    let high = 0xF0F0_F0F0_F0F0_F0F0;
    let is_digits = (word & high) | ((word.wrapping_add(0x0606_0606_0606_0606) & high) >> 4);
    if is_digits != 0x3333_3333_3333_3333 {
        return None;
    }
    let ones = (word & 0x0F0F_0F0F_0F0F_0F0F).wrapping_mul((10 << 8) + 1) >> 8;
    let pairs = (ones & 0x00FF_00FF_00FF_00FF).wrapping_mul((100 << 16) + 1) >> 16;
    Some((pairs & 0x0000_FFFF_0000_FFFF).wrapping_mul((10_000 << 32) + 1) >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_numbers_end_where_they_end() {
        let cases: [(&str, Option<Plain>); 12] = [
            ("60000.01000000\",", Some((6_000_001_000_000, 8, 14))),
            ("1.5,", Some((15, 1, 3))),
            ("0.1234567}", Some((1_234_567, 7, 9))),
            ("9999999999.99999999", Some((999_999_999_999_999_999, 8, 19))),
            ("12345678901", None),
            ("7", Some((7, 0, 1))),
            ("1.", None),
            ("1.x", None),
            (".5", None),
            ("-1", None),
            ("1.123456789", None),
            ("0.00000000", Some((0, 8, 10))),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn eight_digits_are_eight_digits() {
        for number in [0u64, 1, 9, 12_345_678, 99_999_999, 10_000_000, 90_909_090] {
            assert_eq!(eight_digits(format!("{number:08}").as_bytes()), Some(number));
        }
        for wrong in ["1234567/", "1234567:", "12 45678", "1234.678", "\u{fc}234567"] {
            assert_eq!(eight_digits(&wrong.as_bytes()[..8]), None, "{wrong}");
        }
    }
}
