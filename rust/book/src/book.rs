//! One book: updates in the venue's own digits, checked by the proof its venue offers.
//!
//! The same as `floorbroker/marketdata/book.py`, which says why; the two are compared by property tests.

use std::collections::VecDeque;

use crate::levels::{Level, Levels};
use crate::number::{Column, MAX_PRICE, MAX_SIZE, Trouble};
use crate::proof::{Kind, Numbers, Proof, Wrong};
use crate::text::Text;

pub const KEPT_MAX: usize = 1_000;
const CHECKED_LEVELS: usize = 10;

pub type Pair<'a> = (Text<'a>, Text<'a>);

/// A change of a book.
#[derive(Debug, Clone, Default)]
pub struct Update<'a> {
    pub bids: Vec<Pair<'a>>,
    pub asks: Vec<Pair<'a>>,
    pub reset: bool,
    pub numbers: Numbers,
}

impl Update<'_> {
    fn owned(self) -> Update<'static> {
        Update { bids: owned(self.bids), asks: owned(self.asks), reset: self.reset, numbers: self.numbers }
    }
}

fn owned(pairs: Vec<Pair<'_>>) -> Vec<Pair<'static>> {
    pairs.into_iter().map(|(price, size)| (price.into_owned(), size.into_owned())).collect()
}

/// What a book made of an update; the order is that of the words in `native.py`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Proven,
    Unproven,
    Whole,
    Waiting,
    Old,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Waiting,
    Fresh,
    Stale,
}

/// What became of the updates of a book.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub wholes: u64,
    pub updates: u64,
    pub proven: u64,
    pub failed: u64,
    pub waiting: u64,
    pub old: u64,
}

/// How the books of a venue are kept.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub kind: Kind,
    pub depth: usize,
    pub price_decimals: u32,
    pub size_decimals: u32,
}

#[derive(Debug)]
pub struct Book {
    pub state: State,
    pub reason: String,
    pub sequence: Option<i64>,
    pub tally: Tally,
    pub bids: Levels,
    pub asks: Levels,
    pub prices: Column,
    pub sizes: Column,
    pub touched: bool, // a mark for whoever keeps several
    depth: usize,
    proof: Proof,
    kept: VecDeque<Update<'static>>,
    scratch: (Vec<Level>, Vec<Level>),
}

impl From<&'static str> for Wrong {
    fn from(text: &'static str) -> Self {
        Self::new(text)
    }
}

impl Book {
    pub fn new(rules: Rules) -> Self {
        Self {
            state: State::Waiting,
            reason: String::new(),
            sequence: None,
            tally: Tally::default(),
            bids: Levels::new(1),
            asks: Levels::new(-1),
            prices: Column::new(MAX_PRICE, rules.price_decimals, true),
            sizes: Column::new(MAX_SIZE, rules.size_decimals, false),
            touched: false,
            depth: rules.depth,
            proof: Proof::new(rules.kind),
            kept: VecDeque::new(),
            scratch: (Vec::new(), Vec::new()),
        }
    }

    /// Take an update.
    pub fn update(&mut self, update: Update<'_>) -> Verdict {
        let said = if update.reset { self.whole(&update) } else { self.change(update) };
        said.unwrap_or_else(|wrong| self.fail(wrong.text))
    }

    /// The book cannot be believed any more.
    pub fn fail(&mut self, reason: String) -> Verdict {
        if self.state == State::Fresh {
            self.state = State::Stale;
        }
        self.reason = reason;
        self.tally.failed += 1;
        Verdict::Failed
    }

    /// Set one level of a book that is fresh, for a source that has decoded already.
    pub fn put(&mut self, is_bid: bool, price: i64, size: u128) {
        if is_bid {
            self.bids.put(price, size);
        } else {
            self.asks.put(price, size);
        }
        self.tally.updates += 1;
    }

    fn change(&mut self, update: Update<'_>) -> Result<Verdict, Wrong> {
        let followed = self.proof.follow(update.numbers);
        let told = match followed {
            Ok(()) if self.state != State::Fresh => {
                self.tally.waiting += 1;
                self.keep(update)?;
                return Ok(Verdict::Waiting);
            }
            Ok(()) => self.next(&update),
            Err(wrong) => Err(wrong),
        };
        if let Err(wrong) = &told {
            self.kept.clear();
            if wrong.begins {
                self.keep(update)?;
            }
        }
        told
    }

    fn keep(&mut self, update: Update<'_>) -> Result<(), Wrong> {
        if !self.proof.keeps() {
            return Ok(());
        }
        if self.kept.len() >= KEPT_MAX {
            self.kept.clear();
            return Err(Wrong::new(format!("the whole book did not come within {KEPT_MAX} updates")));
        }
        self.kept.push_back(update.owned());
        Ok(())
    }

    fn next(&mut self, update: &Update<'_>) -> Result<Verdict, Wrong> {
        if self.proof.is_old(update.numbers)? {
            self.tally.old += 1;
            return Ok(Verdict::Old);
        }
        self.scale(update)?;
        for (price, size) in &self.scratch.0 {
            self.bids.put(*price, *size);
        }
        for (price, size) in &self.scratch.1 {
            self.asks.put(*price, *size);
        }
        self.settle(update.numbers)?;
        self.tally.updates += 1;
        if !self.proof.judges() {
            return Ok(Verdict::Unproven);
        }
        self.tally.proven += 1;
        Ok(Verdict::Proven)
    }

    fn whole(&mut self, update: &Update<'_>) -> Result<Verdict, Wrong> {
        self.prices.forget();
        self.sizes.forget();
        self.bids.clear();
        self.asks.clear();
        self.scale(update)?;
        self.bids.replace(&self.scratch.0);
        self.asks.replace(&self.scratch.1);
        self.proof.begin(update.numbers)?;
        self.settle(update.numbers)?;
        self.state = State::Fresh;
        self.reason.clear();
        self.tally.wholes += 1;
        if self.proof.checks() {
            self.tally.proven += 1;
            return Ok(Verdict::Proven);
        }
        self.catch_up()
    }

    /// Apply what was kept while the whole book was on its way.
    fn catch_up(&mut self) -> Result<Verdict, Wrong> {
        let mut verdict = Verdict::Whole;
        while let Some(update) = self.kept.pop_front() {
            match self.next(&update) {
                Ok(Verdict::Proven) => verdict = Verdict::Proven,
                Ok(_) => {}
                Err(wrong) => {
                    self.kept.push_front(update);
                    return Err(wrong);
                }
            }
        }
        Ok(verdict)
    }

    /// What must hold after an update.
    fn settle(&mut self, numbers: Numbers) -> Result<(), Wrong> {
        self.bids.cut(self.depth);
        self.asks.cut(self.depth);
        self.sequence = numbers.sequence;
        if let (Some(bid), Some(ask)) = (self.bids.best_key(), self.asks.best_key()) {
            if bid >= -ask {
                return Err("it bids no less than it asks".into());
            }
        }
        if self.proof.checks() {
            let told = numbers.checksum.ok_or("it carries no checksum")?;
            let own = self.checksum();
            if own != told {
                return Err(Wrong::new(format!("its checksum is {told}, and the book's is {own}")));
            }
        }
        Ok(())
    }

    /// Read both sides of an update into `scratch`, as whole numbers; nothing else changes but the scale.
    fn scale(&mut self, update: &Update<'_>) -> Result<(), Wrong> {
        let (mut bids, mut asks) = std::mem::take(&mut self.scratch);
        let done = loop {
            match self.read(update, &mut bids, &mut asks) {
                Ok(()) => break Ok(()),
                Err((_, Trouble::Refused(text))) => break Err(Wrong::new(text)),
                Err((is_price, Trouble::Finer(decimals))) => {
                    if let Err(Trouble::Refused(text)) = self.widen(is_price, decimals) {
                        break Err(Wrong::new(text));
                    }
                }
            }
        };
        self.scratch = (bids, asks);
        done
    }

    fn read(&self, update: &Update<'_>, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> Result<(), (bool, Trouble)> {
        for (pairs, levels) in [(&update.bids, bids), (&update.asks, asks)] {
            levels.clear();
            for (price, size) in pairs {
                let price = self.prices.number(price).map_err(|trouble| (true, trouble))?;
                let size = self.sizes.number(size).map_err(|trouble| (false, trouble))?;
                let price = i64::try_from(price).map_err(|_| (true, Trouble::Refused("too large")))?;
                levels.push((price, size));
            }
        }
        Ok(())
    }

    fn widen(&mut self, is_price: bool, decimals: u32) -> Result<(), Trouble> {
        let sides = [&mut self.bids, &mut self.asks];
        if is_price {
            let largest = sides.iter().map(|side| side.largest_price()).max().unwrap_or(0);
            let factor = self.prices.widen(decimals, largest)?;
            for side in sides {
                side.scale_prices(factor);
            }
        } else {
            let largest = sides.iter().map(|side| side.largest_size()).max().unwrap_or(0);
            let factor = self.sizes.widen(decimals, largest)?;
            for side in sides {
                side.scale_sizes(factor);
            }
        }
        Ok(())
    }

    /// CRC-32 of the digits of the best ten asks, then of the best ten bids, best first.
    pub fn checksum(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        let mut digits = Digits::new();
        for side in [&self.asks, &self.bids] {
            for (price, size) in side.top(CHECKED_LEVELS) {
                digits.push(u128::from(price.unsigned_abs()));
                digits.push(size);
                hasher.update(digits.taken());
            }
        }
        hasher.finalize()
    }
}

/// A small buffer of decimal digits.
struct Digits {
    bytes: [u8; 80],
    len: usize,
}

impl Digits {
    fn new() -> Self {
        Self { bytes: [0; 80], len: 0 }
    }

    fn push(&mut self, number: u128) {
        let mut reversed = [0u8; 40];
        let mut count = 0;
        let mut rest = number;
        let mut small = loop {
            if let Ok(small) = u64::try_from(rest) {
                break small;
            }
            reversed[count] = digit(rest % 10);
            rest /= 10;
            count += 1;
        };
        loop {
            reversed[count] = digit(u128::from(small % 10));
            small /= 10;
            count += 1;
            if small == 0 {
                break;
            }
        }
        for place in (0..count).rev() {
            self.bytes[self.len] = reversed[place];
            self.len += 1;
        }
    }

    fn taken(&mut self) -> &[u8] {
        let len = std::mem::take(&mut self.len);
        &self.bytes[..len]
    }
}

fn digit(value: u128) -> u8 {
    b'0' + u8::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pairs: &[(&'static str, &'static str)]) -> Vec<Pair<'static>> {
        let text = |text: &'static str| Text::of(text.as_bytes().into());
        pairs.iter().map(|(price, size)| (text(price), text(size))).collect()
    }

    fn book(kind: Kind) -> Book {
        Book::new(Rules { kind, depth: usize::MAX, price_decimals: 0, size_decimals: 0 })
    }

    fn whole(sequence: i64) -> Update<'static> {
        Update {
            bids: text(&[("10.0", "1"), ("9.5", "2")]),
            asks: text(&[("10.5", "3")]),
            reset: true,
            numbers: Numbers { sequence: Some(sequence), ..Numbers::default() },
        }
    }

    fn change(previous: i64, sequence: i64, bids: &[(&'static str, &'static str)]) -> Update<'static> {
        let numbers = Numbers { sequence: Some(sequence), previous: Some(previous), checksum: None };
        Update { bids: text(bids), numbers, ..Update::default() }
    }

    #[test]
    fn what_came_before_the_whole_book_is_caught_up_with() {
        let mut book = book(Kind::Chain);
        assert_eq!(book.update(change(5, 7, &[("9.0", "1")])), Verdict::Waiting);
        assert_eq!(book.update(change(7, 9, &[("10.25", "4")])), Verdict::Waiting);
        assert_eq!(book.update(whole(7)), Verdict::Proven);
        assert_eq!(book.bids.best(), Some((1025, 4)));
        assert_eq!((book.tally.old, book.tally.proven), (1, 1));
        assert_eq!(book.update(change(10, 11, &[])), Verdict::Failed);
        assert_eq!(book.state, State::Stale);
    }

    #[test]
    fn a_crossed_book_is_not_believed() {
        let mut book = book(Kind::None);
        assert_eq!(book.update(whole(0)), Verdict::Whole);
        assert_eq!(book.update(change(0, 0, &[("10.5", "1")])), Verdict::Failed);
    }

    #[test]
    fn a_size_below_zero_is_refused_and_the_book_stays_as_it_is() {
        let mut book = book(Kind::Step);
        assert_eq!(book.update(whole(1)), Verdict::Whole);
        assert_eq!(book.update(change(0, 2, &[("9.0", "1"), ("8.0", "-1")])), Verdict::Failed);
        assert_eq!(book.bids.count(), 2);
        assert_eq!(book.reason, "below zero");
    }

    #[test]
    fn digits_of_every_length_are_written_out() {
        for number in [0, 9, 10, 18_446_744_073_709_551_615, 18_446_744_073_709_551_616, MAX_SIZE] {
            let mut digits = Digits::new();
            digits.push(number);
            assert_eq!(digits.taken(), number.to_string().as_bytes());
        }
    }
}
