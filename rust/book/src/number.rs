//! Decimal text as whole numbers of one scale: at four decimals `0.50` is 5000.

use crate::text::Text;

pub const MAX_PRICE: u128 = i64::MAX as u128;
pub const MAX_SIZE: u128 = i128::MAX as u128;
const MAX_DECIMALS: i32 = 20;
const MAX_WHOLE: usize = 40;
const MAX_FRACTION: usize = 20;

/// Why a text is no number of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No book takes it; the text says why.
    Refused(&'static str),
    /// The column must be widened to so many decimals first.
    Finer(u32),
}

use Trouble::{Finer, Refused};

pub fn pow10(exponent: u32) -> Option<u128> {
    10u128.checked_pow(exponent)
}

/// The digits of a number as written, an exponent included, and how many of them are decimals.
pub fn read(text: &[u8]) -> Result<(u128, u32), Trouble> {
    let (negative, rest) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    let (whole, rest) = digits(rest);
    let (fraction, rest) = match rest.split_first() {
        Some((b'.', behind)) => {
            let (fraction, behind) = digits(behind);
            if fraction.is_empty() {
                return Err(Refused("not a number"));
            }
            (fraction, behind)
        }
        _ => (&rest[..0], rest),
    };
    let exponent = exponent(rest)?;
    if whole.is_empty() || whole.len() > MAX_WHOLE || fraction.len() > MAX_FRACTION {
        return Err(Refused("not a number"));
    }
    if negative {
        return Err(Refused("below zero"));
    }
    let decimals = i32::try_from(fraction.len()).unwrap_or(MAX_DECIMALS) - exponent;
    if decimals > MAX_DECIMALS {
        return Err(Refused("too many decimals"));
    }
    let value = joined(whole, fraction).ok_or(Refused("too large"))?;
    let shift = u32::try_from((-decimals).max(0)).unwrap_or(0);
    let value = if value == 0 { Some(0) } else { pow10(shift).and_then(|factor| value.checked_mul(factor)) };
    match value {
        Some(value) if value <= MAX_SIZE => Ok((value, u32::try_from(decimals.max(0)).unwrap_or(0))),
        _ => Err(Refused("too large")),
    }
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// What stands behind the digits: nothing, or `e` and at most two digits.
fn exponent(text: &[u8]) -> Result<i32, Trouble> {
    let Some((mark, rest)) = text.split_first() else {
        return Ok(0);
    };
    if !matches!(mark, b'e' | b'E') {
        return Err(Refused("not a number"));
    }
    let (sign, rest) = match rest.split_first() {
        Some((b'-', rest)) => (-1, rest),
        Some((b'+', rest)) => (1, rest),
        _ => (1, rest),
    };
    let (figures, behind) = digits(rest);
    if figures.is_empty() || figures.len() > 2 || !behind.is_empty() {
        return Err(Refused("not a number"));
    }
    Ok(sign * figures.iter().fold(0, |value, byte| value * 10 + i32::from(byte - b'0')))
}

fn joined(whole: &[u8], fraction: &[u8]) -> Option<u128> {
    whole
        .iter()
        .chain(fraction)
        .try_fold(0u128, |value, byte| value.checked_mul(10)?.checked_add(u128::from(byte - b'0')))
}

/// One kind of number in one book; it learns how many decimals its venue writes.
#[derive(Debug, Clone)]
pub struct Column {
    pub decimals: u32,
    least: u32,
    limit: u128,
    positive: bool,
}

impl Column {
    pub fn new(limit: u128, least: u32, positive: bool) -> Self {
        Self { decimals: least, least, limit, positive }
    }

    /// The number of a text at the column's scale.
    #[inline]
    pub fn number(&self, text: &Text<'_>) -> Result<u128, Trouble> {
        match text {
            Text::Plain(digits, decimals) if *decimals == self.decimals && (*digits != 0 || !self.positive) => {
                Ok(u128::from(*digits)) // eighteen digits are within every limit
            }
            Text::Plain(digits, decimals) => self.scaled(u128::from(*digits), *decimals),
            Text::Other(text) => {
                let (digits, decimals) = read(text)?;
                self.scaled(digits, decimals)
            }
        }
    }

    fn scaled(&self, digits: u128, decimals: u32) -> Result<u128, Trouble> {
        if decimals > self.decimals {
            return Err(Finer(decimals));
        }
        let number = if digits == 0 {
            0
        } else {
            pow10(self.decimals - decimals)
                .and_then(|factor| digits.checked_mul(factor))
                .filter(|number| *number <= self.limit)
                .ok_or(Refused("too large"))?
        };
        if self.positive && number == 0 {
            return Err(Refused("a price of zero"));
        }
        Ok(number)
    }

    /// From now on at so many decimals; the factor for the numbers made before, the `largest` among them.
    pub fn widen(&mut self, decimals: u32, largest: u128) -> Result<u128, Trouble> {
        let factor = pow10(decimals - self.decimals).ok_or(Refused("too large"))?;
        match largest.checked_mul(factor) {
            Some(grown) if grown <= self.limit => {
                self.decimals = decimals;
                Ok(factor)
            }
            _ => Err(Refused("too large")),
        }
    }

    /// Learn anew: the whole book comes again.
    pub fn forget(&mut self) {
        self.decimals = self.least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let cases: [(&str, (u128, u32)); 8] = [
            ("0.50", (50, 2)),
            ("60000.01000000", (6_000_001_000_000, 8)),
            ("7", (7, 0)),
            ("1e-8", (1, 8)),
            ("1.5E3", (1500, 0)),
            ("123456789012.00000000", (12_345_678_901_200_000_000, 8)),
            ("000.10", (10, 2)),
            ("0e99", (0, 0)),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text.as_bytes()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "1_0",
            " 1",
            "+1",
            "-1",
            "NaN",
            "1e",
            "1e100",
            "1e50",
            "0.000000000000000000001",
            "1..2",
            "١",
        ] {
            assert!(matches!(read(text.as_bytes()), Err(Refused(_))), "{text}");
        }
    }

    #[test]
    fn a_column_is_widened_only_where_its_numbers_keep_their_worth() {
        let mut column = Column::new(MAX_PRICE, 2, true);
        let number = |column: &Column, text: &'static str| column.number(&Text::of(text.as_bytes().into()));
        assert_eq!(number(&column, "1.5"), Ok(150));
        assert_eq!(number(&column, "1.505"), Err(Finer(3)));
        assert_eq!(column.widen(20, 150), Err(Refused("too large")));
        assert_eq!(column.widen(3, 150), Ok(10));
        assert_eq!(number(&column, "1.505"), Ok(1505));
        assert_eq!(number(&column, "0.0"), Err(Refused("a price of zero")));
        assert_eq!(number(&column, "0.000"), Err(Refused("a price of zero")));
    }
}
