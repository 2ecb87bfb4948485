//! One side of a book: sorted keys and the size at each, best last, where arrays are cheap to change.

use crate::number::MAX_SIZE;

const NEAR: usize = 64; // levels from the best that are looked through first

/// A scaled price and the scaled size at it.
pub type Level = (i64, u128);

/// `sign` is 1 for bids and -1 for asks; a key is the price times it, so that the best is the greatest.
#[derive(Debug, Clone)]
pub struct Levels {
    sign: i64,
    keys: Vec<i64>,
    sizes: Vec<u128>,
}

impl Levels {
    pub fn new(sign: i64) -> Self {
        Self { sign, keys: Vec::new(), sizes: Vec::new() }
    }

    pub fn count(&self) -> usize {
        self.keys.len()
    }

    pub fn clear(&mut self) {
        self.keys.clear();
        self.sizes.clear();
    }

    /// The greatest key, which is the best.
    pub fn best_key(&self) -> Option<i64> {
        self.keys.last().copied()
    }

    pub fn best(&self) -> Option<Level> {
        Some((self.keys.last()? * self.sign, *self.sizes.last()?))
    }

    /// Set the size at a price; zero takes the level away, and one that is not there is no trouble.
    pub fn put(&mut self, price: i64, size: u128) {
        let key = price * self.sign;
        match self.find(key) {
            Ok(place) if size == 0 => {
                self.keys.remove(place);
                self.sizes.remove(place);
            }
            Ok(place) => self.sizes[place] = size,
            Err(_) if size == 0 => {}
            Err(place) => {
                self.keys.insert(place, key);
                self.sizes.insert(place, size);
            }
        }
    }

    /// Near the best level first, where most changes are.
    #[inline]
    fn find(&self, key: i64) -> Result<usize, usize> {
        let keys = self.keys.as_slice();
        let near = keys.len().saturating_sub(NEAR);
        let (low, part) =
            if keys.get(near).is_some_and(|bound| *bound <= key) { (near, &keys[near..]) } else { (0, &keys[..near]) };
        match part.binary_search(&key) {
            Ok(place) => Ok(low + place),
            Err(place) => Err(low + place),
        }
    }

    /// The whole side; a price that comes twice has the last size told.
    pub fn replace(&mut self, levels: &[Level]) {
        let mut pairs: Vec<(i64, u128)> = levels.iter().map(|(price, size)| (price * self.sign, *size)).collect();
        pairs.sort_by_key(|(key, _)| *key); // stable: of one price, the last told stays last
        self.clear();
        for (place, (key, size)) in pairs.iter().enumerate() {
            let is_last = pairs.get(place + 1).is_none_or(|(next, _)| next != key);
            if is_last && *size != 0 {
                self.keys.push(*key);
                self.sizes.push(*size);
            }
        }
    }

    /// Let go of what is beyond the best `depth` levels.
    pub fn cut(&mut self, depth: usize) {
        if self.keys.len() > depth {
            let beyond = self.keys.len() - depth;
            self.keys.drain(..beyond);
            self.sizes.drain(..beyond);
        }
    }

    /// The largest price, whichever side it is.
    pub fn largest_price(&self) -> u128 {
        let ends = [self.keys.first(), self.keys.last()];
        ends.iter().flatten().map(|key| u128::from(key.unsigned_abs())).max().unwrap_or(0)
    }

    pub fn largest_size(&self) -> u128 {
        self.sizes.iter().copied().max().unwrap_or(0)
    }

    /// Multiply all prices by a factor that `largest_price` allows.
    pub fn scale_prices(&mut self, factor: u128) {
        let factor = i64::try_from(factor).unwrap_or(i64::MAX);
        for key in &mut self.keys {
            *key = key.saturating_mul(factor);
        }
    }

    /// Multiply all sizes by a factor that `largest_size` allows.
    pub fn scale_sizes(&mut self, factor: u128) {
        for size in &mut self.sizes {
            *size = size.saturating_mul(factor).min(MAX_SIZE);
        }
    }

    /// The best levels, best first.
    pub fn top(&self, depth: usize) -> impl Iterator<Item = Level> + '_ {
        let pairs = self.keys.iter().rev().zip(self.sizes.iter().rev());
        pairs.take(depth).map(|(key, size)| (key * self.sign, *size))
    }

    /// Bytes held for levels.
    pub fn bytes(&self) -> usize {
        self.keys.capacity() * size_of::<i64>() + self.sizes.capacity() * size_of::<u128>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_keeps_its_best_level_in_front() {
        let mut asks = Levels::new(-1);
        for price in [105, 101, 103, 102, 104] {
            asks.put(price, 7);
        }
        asks.put(101, 0);
        asks.put(999, 0);
        asks.put(103, 9);
        assert_eq!(asks.best(), Some((102, 7)));
        assert_eq!(asks.top(2).collect::<Vec<_>>(), [(102, 7), (103, 9)]);
        asks.cut(1);
        assert_eq!(asks.count(), 1);
    }

    #[test]
    fn looking_near_first_finds_what_a_plain_search_finds() {
        let mut bids = Levels::new(1);
        let mut seed = 7u64;
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let price = i64::try_from((seed >> 33) % 500).unwrap() + 1;
            bids.put(price, u128::from((seed >> 20) % 3));
            assert!(bids.keys.is_sorted());
            assert_eq!(bids.find(price).ok(), bids.keys.binary_search(&price).ok());
        }
    }

    #[test]
    fn of_a_price_told_twice_the_last_size_stays() {
        let mut bids = Levels::new(1);
        bids.replace(&[(5, 1), (7, 2), (5, 3), (7, 0)]);
        assert_eq!(bids.top(9).collect::<Vec<_>>(), [(5, 3)]);
    }
}
