//! Raw book frames of the venues, read into updates; the same as `floorbroker/marketdata/frames.py`.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::book::{Pair, Update};
use crate::json::{Malformed, Read, Scan};
use crate::proof::Numbers;

/// The forms of frames; the words are those of `BookRules.frames`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Binance,
    Bybit,
    Kraken,
}

impl Form {
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "binance" => Some(Self::Binance),
            "bybit" => Some(Self::Bybit),
            "kraken" => Some(Self::Kraken),
            _ => None,
        }
    }
}

/// The venue's symbol, and what is told of its book.
pub type Told<'a> = (Cow<'a, [u8]>, Update<'a>);

static BINANCE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"depthUpdate\""));
static BYBIT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"orderbook."));
static KRAKEN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"book\""));

const LACKING: Malformed = Malformed("a member is missing");
const LEVELS_EXPECTED: usize = 24;

/// What a frame tells of books, in order; nothing when it is not about one.
pub fn read<'a>(form: Form, frame: &'a [u8], mut take: impl FnMut(Told<'a>)) -> Read<()> {
    match form {
        Form::Binance => binance(frame)?.into_iter().for_each(take),
        Form::Bybit => bybit(frame)?.into_iter().for_each(take),
        Form::Kraken => kraken(frame)?.into_iter().for_each(&mut take),
    }
    Ok(())
}

fn levels<'a>(scan: &mut Scan<'a>) -> Read<Vec<Pair<'a>>> {
    let mut found = Vec::with_capacity(LEVELS_EXPECTED);
    scan.array(|item| {
        found.push(item.pair()?);
        Ok(())
    })?;
    Ok(found)
}

#[derive(Default)]
struct Depth<'a> {
    event: Cow<'a, [u8]>,
    symbol: Cow<'a, [u8]>,
    first: i64,
    last: i64,
    bids: Option<Vec<Pair<'a>>>,
    asks: Option<Vec<Pair<'a>>>,
}

impl<'a> Depth<'a> {
    fn read(scan: &mut Scan<'a>, mut other: impl FnMut(&[u8], &mut Scan<'a>) -> Read<()>) -> Read<Self> {
        let mut found = Self::default();
        scan.object(|key, value| {
            match key {
                b"e" => found.event = value.string()?,
                b"s" => found.symbol = value.string()?,
                b"U" => found.first = value.whole_number()?,
                b"u" => found.last = value.whole_number()?,
                b"b" => found.bids = value.attempt(levels)?,
                b"a" => found.asks = value.attempt(levels)?,
                _ => other(key, value)?,
            }
            Ok(())
        })?;
        Ok(found)
    }
}

fn skip(_: &[u8], value: &mut Scan<'_>) -> Read<()> {
    value.value().map(drop)
}

/// `depthUpdate`, alone or in a combined stream.
fn binance(frame: &[u8]) -> Read<Option<Told<'_>>> {
    if BINANCE.find(frame).is_none() {
        return Ok(None);
    }
    let mut scan = Scan::new(frame);
    let mut inside = None;
    let outer = Depth::read(&mut scan, |key, value| {
        if key != b"data" {
            return skip(key, value);
        }
        inside = if value.is_null()? { None } else { Some(Depth::read(value, skip)?) };
        Ok(())
    })?;
    scan.end()?;
    let depth = inside.unwrap_or(outer);
    if *depth.event != *b"depthUpdate" {
        return Ok(None);
    }
    let (Some(bids), Some(asks)) = (depth.bids, depth.asks) else {
        return Err(LACKING);
    };
    if depth.symbol.is_empty() || depth.first == 0 {
        return Err(LACKING);
    }
    let numbers = Numbers { sequence: Some(depth.last), previous: Some(depth.first - 1), checksum: None };
    Ok(Some((depth.symbol, Update { bids, asks, reset: false, numbers })))
}

/// The answer of `GET /api/v3/depth`.
pub fn binance_whole(body: &[u8]) -> Read<Update<'_>> {
    let mut scan = Scan::new(body);
    let (mut sequence, mut bids, mut asks) = (None, None, None);
    scan.object(|key, value| {
        match key {
            b"lastUpdateId" => sequence = Some(value.whole_number()?),
            b"bids" => bids = Some(levels(value)?),
            b"asks" => asks = Some(levels(value)?),
            _ => skip(key, value)?,
        }
        Ok(())
    })?;
    scan.end()?;
    let (Some(_), Some(bids), Some(asks)) = (sequence, bids, asks) else {
        return Err(LACKING);
    };
    Ok(Update { bids, asks, reset: true, numbers: Numbers { sequence, ..Numbers::default() } })
}

/// `orderbook.{depth}.{symbol}`.
fn bybit(frame: &[u8]) -> Read<Option<Told<'_>>> {
    if BYBIT.find(frame).is_none() {
        return Ok(None);
    }
    let mut scan = Scan::new(frame);
    let (mut topic, mut kind, mut data) = (None, None, None);
    scan.object(|key, value| {
        match key {
            b"topic" => topic = Some(value.string()?),
            b"type" => kind = Some(is_whole(&value.string()?, b"delta")?),
            b"data" => data = Some(bybit_sides(value)?),
            _ => skip(key, value)?,
        }
        Ok(())
    })?;
    scan.end()?;
    let (Some(topic), Some(is_whole), Some((symbol, mut update))) = (topic, kind, data) else {
        return Err(LACKING);
    };
    if !topic.starts_with(b"orderbook.") {
        return Ok(None);
    }
    update.reset = is_whole || update.numbers.sequence == Some(1);
    Ok(Some((symbol, update)))
}

/// Whether a message is a snapshot; `change` is the venue's word for one that is not.
fn is_whole(word: &[u8], change: &[u8]) -> Read<bool> {
    match word {
        b"snapshot" => Ok(true),
        _ if word == change => Ok(false),
        _ => Err(Malformed("neither a snapshot nor a change")),
    }
}

fn bybit_sides<'a>(scan: &mut Scan<'a>) -> Read<Told<'a>> {
    let (mut symbol, mut sequence, mut bids, mut asks) = (None, None, None, None);
    scan.object(|key, value| {
        match key {
            b"s" => symbol = Some(value.string()?),
            b"u" => sequence = Some(value.whole_number()?),
            b"b" => bids = Some(levels(value)?),
            b"a" => asks = Some(levels(value)?),
            _ => skip(key, value)?,
        }
        Ok(())
    })?;
    match (symbol, sequence, bids, asks) {
        (Some(symbol), Some(_), Some(bids), Some(asks)) => {
            let numbers = Numbers { sequence, ..Numbers::default() };
            Ok((symbol, Update { bids, asks, reset: false, numbers }))
        }
        _ => Err(LACKING),
    }
}

/// The `book` channel of version 2.
fn kraken(frame: &[u8]) -> Read<Vec<Told<'_>>> {
    if KRAKEN.find(frame).is_none() {
        return Ok(Vec::new());
    }
    let mut scan = Scan::new(frame);
    let (mut channel, mut kind, mut pairs) = (None, None, None);
    scan.object(|key, value| {
        match key {
            b"channel" => channel = Some(value.string()?),
            b"type" => kind = Some(is_whole(&value.string()?, b"update")?),
            b"data" => {
                let mut found = Vec::with_capacity(1);
                value.array(|item| {
                    found.push(kraken_pair(item)?);
                    Ok(())
                })?;
                pairs = Some(found);
            }
            _ => skip(key, value)?,
        }
        Ok(())
    })?;
    scan.end()?;
    let (Some(channel), Some(is_whole), Some(mut pairs)) = (channel, kind, pairs) else {
        return Err(LACKING);
    };
    if *channel != *b"book" {
        return Ok(Vec::new());
    }
    for (_, update) in &mut pairs {
        update.reset = is_whole;
    }
    Ok(pairs)
}

fn kraken_pair<'a>(scan: &mut Scan<'a>) -> Read<Told<'a>> {
    let (mut symbol, mut checksum) = (None, None);
    let mut update = Update::default();
    scan.object(|key, value| {
        match key {
            b"symbol" => symbol = Some(value.string()?),
            b"checksum" => {
                let told = u32::try_from(value.whole_number()?).map_err(|_| Malformed("a number is too large"))?;
                checksum = Some(told);
            }
            b"bids" => update.bids = kraken_levels(value)?,
            b"asks" => update.asks = kraken_levels(value)?,
            _ => skip(key, value)?,
        }
        Ok(())
    })?;
    let (Some(symbol), Some(_)) = (symbol, checksum) else {
        return Err(LACKING);
    };
    update.numbers.checksum = checksum;
    Ok((symbol, update))
}

/// JSON numbers as they stand in the frame; whatever else stands there is no number to a book.
fn kraken_levels<'a>(scan: &mut Scan<'a>) -> Read<Vec<Pair<'a>>> {
    let mut found = Vec::with_capacity(LEVELS_EXPECTED);
    scan.array(|item| {
        let (mut price, mut size) = (None, None);
        item.object(|key, value| {
            match key {
                b"price" => price = Some(value.bare()?),
                b"qty" => size = Some(value.bare()?),
                _ => skip(key, value)?,
            }
            Ok(())
        })?;
        let (Some(price), Some(size)) = (price, size) else {
            return Err(LACKING);
        };
        found.push((price, size));
        Ok(())
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(form: Form, frame: &str) -> Read<Vec<(String, usize, bool, Numbers)>> {
        let mut found = Vec::new();
        read(form, frame.as_bytes(), |(symbol, update)| {
            let levels = update.bids.len() + update.asks.len();
            found.push((String::from_utf8_lossy(&symbol).into_owned(), levels, update.reset, update.numbers));
        })?;
        Ok(found)
    }

    #[test]
    fn depth_updates_are_read_alone_and_in_a_combined_stream() {
        let depth = r#"{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":157,"u":160,"b":[["64000.1","0"]],"a":[]}"#;
        let numbers = Numbers { sequence: Some(160), previous: Some(156), checksum: None };
        let expected = Ok(vec![("BTCUSDT".to_owned(), 1, false, numbers)]);
        assert_eq!(told(Form::Binance, depth), expected);
        assert_eq!(told(Form::Binance, &format!(r#"{{"stream":"btcusdt@depth","data":{depth}}}"#)), expected);
    }

    #[test]
    fn a_frame_about_something_else_is_none_of_ours() {
        for (form, frame) in [
            (Form::Binance, r#"{"u":400900217,"s":"BNBUSDT","b":"25.35","B":"31.21","a":"25.36","A":"40.66"}"#),
            (Form::Bybit, r#"{"op":"pong"}"#),
            (Form::Kraken, r#"{"channel":"heartbeat"}"#),
            (Form::Kraken, "not even JSON"),
        ] {
            assert_eq!(told(form, frame), Ok(vec![]), "{frame}");
        }
    }

    #[test]
    fn an_update_numbered_one_is_the_whole_book() {
        let frame = r#"{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1,"data":{"s":"BTCUSDT","b":[["1","2"]],"a":[],"u":1,"seq":5}}"#;
        let numbers = Numbers { sequence: Some(1), ..Numbers::default() };
        assert_eq!(told(Form::Bybit, frame), Ok(vec![("BTCUSDT".to_owned(), 1, true, numbers)]));
    }

    #[test]
    fn a_book_frame_that_is_not_as_documented_is_malformed() {
        for (form, frame) in [
            (Form::Binance, r#"{"e":"depthUpdate","s":"BTCUSDT","u":160,"b":[],"a":[]}"#),
            (Form::Binance, r#"{"e":"depthUpdate","s":"BTCUSDT","U":1,"u":160,"b":[["1"]],"a":[]}"#),
            (Form::Bybit, r#"{"topic":"orderbook.50.X","type":"patch","data":{"s":"X","b":[],"a":[],"u":2}}"#),
            (Form::Kraken, r#"{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[]}]}"#),
            (Form::Kraken, r#"{"channel":"book","type":"update","data":[{"symbol":"X","checksum":4294967296}]}"#),
        ] {
            assert!(told(form, frame).is_err(), "{frame}");
        }
    }
}
