//! What Python sees: `Book`, and `Books`, which takes raw frames.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::PyBytes;

use crate::book::{Book as Core, Pair, Rules, State, Update};
use crate::frames::{self, Form};
use crate::levels::Levels;
use crate::proof::{Kind, Numbers};
use crate::text::Text;

const CODES: usize = 8;
const NOT_A_BOOK: u8 = 6;
const UNREADABLE: u8 = 7;

type Shared = Arc<Mutex<Core>>;

/// A lock that another thread broke by a bug is taken all the same: the book says by itself whether it may be believed.
fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn rules(proof: &str, depth: Option<usize>, price_decimals: u32, size_decimals: u32) -> PyResult<Rules> {
    let kind = Kind::of(proof).ok_or_else(|| PyValueError::new_err(format!("no proof is called {proof:?}")))?;
    if price_decimals > 20 || size_decimals > 20 {
        return Err(PyValueError::new_err("a number has at most 20 decimals"));
    }
    Ok(Rules { kind, depth: depth.unwrap_or(usize::MAX), price_decimals, size_decimals })
}

/// A scaled size, as the small number it nearly always is.
fn size_of<'py>(py: Python<'py>, size: u128) -> PyResult<Bound<'py, PyAny>> {
    match u64::try_from(size) {
        Ok(small) => Ok(small.into_pyobject(py)?.into_any()),
        Err(_) => Ok(size.into_pyobject(py)?.into_any()),
    }
}

type Top<'py> = (u8, Option<PyLevel<'py>>, Option<PyLevel<'py>>);
type PyLevel<'py> = (i64, Bound<'py, PyAny>);

fn best_of<'py>(py: Python<'py>, side: &Levels) -> PyResult<Option<PyLevel<'py>>> {
    side.best().map(|(price, size)| Ok((price, size_of(py, size)?))).transpose()
}

fn top_of<'py>(py: Python<'py>, side: &Levels, depth: usize) -> PyResult<Vec<PyLevel<'py>>> {
    side.top(depth).map(|(price, size)| Ok((price, size_of(py, size)?))).collect()
}

fn text(written: &PyBackedStr) -> Text<'_> {
    Text::of(Cow::Borrowed(written.as_bytes()))
}

fn pairs(levels: &[(PyBackedStr, PyBackedStr)]) -> Vec<Pair<'_>> {
    levels.iter().map(|(price, size)| (text(price), text(size))).collect()
}

/// One level of a book, as whole numbers of its scales.
#[pyclass(module = "floorbroker_book", frozen)]
struct Change {
    is_bid: bool,
    price: i64,
    size: u128,
}

#[pymethods]
impl Change {
    #[new]
    fn new(is_bid: bool, price: i64, size: u128) -> PyResult<Self> {
        if price <= 0 || size > crate::number::MAX_SIZE {
            return Err(PyValueError::new_err("no price or size of a book"));
        }
        Ok(Self { is_bid, price, size })
    }
}

/// The book of one symbol.
#[pyclass(module = "floorbroker_book", frozen)]
struct Book {
    core: Shared,
}

#[pymethods]
impl Book {
    #[new]
    #[pyo3(signature = (proof, *, depth=None, price_decimals=0, size_decimals=0))]
    fn new(proof: &str, depth: Option<usize>, price_decimals: u32, size_decimals: u32) -> PyResult<Self> {
        let rules = rules(proof, depth, price_decimals, size_decimals)?;
        Ok(Self { core: Arc::new(Mutex::new(Core::new(rules))) })
    }

    #[pyo3(signature = (bids, asks, reset=false, sequence=None, previous=None, checksum=None))]
    fn update(
        &self,
        bids: Vec<(PyBackedStr, PyBackedStr)>,
        asks: Vec<(PyBackedStr, PyBackedStr)>,
        reset: bool,
        sequence: Option<i64>,
        previous: Option<i64>,
        checksum: Option<u32>,
    ) -> u8 {
        let numbers = Numbers { sequence, previous, checksum };
        let update = Update { bids: pairs(&bids), asks: pairs(&asks), reset, numbers };
        locked(&self.core).update(update) as u8
    }

    fn put(&self, change: &Bound<'_, Change>) -> PyResult<()> {
        let mut core = locked(&self.core);
        if core.state != State::Fresh {
            return Err(PyValueError::new_err("the whole book has not come"));
        }
        let change = change.get();
        core.put(change.is_bid, change.price, change.size);
        Ok(())
    }

    fn fail(&self, reason: String) -> u8 {
        locked(&self.core).fail(reason) as u8
    }

    #[getter]
    fn state(&self) -> u8 {
        locked(&self.core).state as u8
    }

    #[getter]
    fn reason(&self) -> String {
        locked(&self.core).reason.clone()
    }

    #[getter]
    fn sequence(&self) -> Option<i64> {
        locked(&self.core).sequence
    }

    #[getter]
    fn scales(&self) -> (u32, u32) {
        let core = locked(&self.core);
        (core.prices.decimals, core.sizes.decimals)
    }

    #[getter]
    fn tally(&self) -> (u64, u64, u64, u64, u64, u64) {
        let tally = locked(&self.core).tally;
        (tally.wholes, tally.updates, tally.proven, tally.failed, tally.waiting, tally.old)
    }

    #[getter]
    fn levels(&self) -> (usize, usize) {
        let core = locked(&self.core);
        (core.bids.count(), core.asks.count())
    }

    /// Bytes held for levels.
    #[getter]
    fn nbytes(&self) -> usize {
        let core = locked(&self.core);
        core.bids.bytes() + core.asks.bytes()
    }

    fn checksum(&self) -> u32 {
        locked(&self.core).checksum()
    }

    fn best<'py>(&self, py: Python<'py>) -> PyResult<(Option<PyLevel<'py>>, Option<PyLevel<'py>>)> {
        let core = locked(&self.core);
        Ok((best_of(py, &core.bids)?, best_of(py, &core.asks)?))
    }

    fn raw<'py>(&self, py: Python<'py>, depth: usize) -> PyResult<(Vec<PyLevel<'py>>, Vec<PyLevel<'py>>)> {
        let core = locked(&self.core);
        Ok((top_of(py, &core.bids, depth)?, top_of(py, &core.asks, depth)?))
    }
}

struct Shelf {
    form: Form,
    rules: Rules,
    books_max: usize,
    opens: bool,
    books: HashMap<Vec<u8>, Shared>,
    changed: Vec<Vec<u8>>,
    last: Option<(Vec<u8>, Shared)>, // the book that the last frame told of, which the next one is likely to tell of too
}

impl Shelf {
    /// Put a book there where there is none; false when there are too many.
    fn open(&mut self, symbol: &[u8]) -> bool {
        if self.books.contains_key(symbol) {
            return true;
        }
        if self.books.len() >= self.books_max {
            return false;
        }
        let core = Arc::new(Mutex::new(Core::new(self.rules)));
        self.books.insert(symbol.to_vec(), core);
        true
    }

    fn update(&mut self, symbol: &[u8], update: Update<'_>) -> Option<u8> {
        if self.last.as_ref().is_none_or(|(known, _)| known != symbol) {
            if self.opens {
                self.open(symbol);
            }
            self.last = Some((symbol.to_vec(), Arc::clone(self.books.get(symbol)?)));
        }
        let mut book = locked(&self.last.as_ref()?.1);
        if !book.touched {
            book.touched = true;
            self.changed.push(symbol.to_vec());
        }
        Some(book.update(update) as u8)
    }

    /// The worst that became of what a frame tells.
    fn apply(&mut self, frame: &[u8]) -> u8 {
        let mut worst = None;
        let read = frames::read(self.form, frame, |(symbol, update)| {
            worst = worst.max(self.update(&symbol, update));
        });
        match read {
            Err(_) => UNREADABLE,
            Ok(()) => worst.unwrap_or(NOT_A_BOOK),
        }
    }

    fn changed(&mut self) -> Vec<Vec<u8>> {
        let changed = std::mem::take(&mut self.changed);
        for symbol in &changed {
            if let Some(core) = self.books.get(symbol) {
                locked(core).touched = false;
            }
        }
        changed
    }

    fn close(&mut self, symbol: &[u8]) {
        self.books.remove(symbol);
        self.changed.retain(|known| known != symbol);
        self.last = None;
    }
}

/// The books of one connection, fed with its frames.
#[pyclass(module = "floorbroker_book", frozen)]
struct Books {
    shelf: Arc<Mutex<Shelf>>,
}

/// What a WebSocket library calls with each frame: the books take what is theirs, and `otherwise` gets the rest.
#[pyclass(module = "floorbroker_book", frozen)]
struct Listener {
    shelf: Arc<Mutex<Shelf>>,
    otherwise: Py<PyAny>,
    amid: Py<PyAny>,
    is_amid: AtomicBool, // a message came in part, and its other parts are still to come
}

#[pymethods]
impl Listener {
    fn on_frame(&self, transport: &Bound<'_, PyAny>, frame: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = frame.py();
        let is_last = frame.getattr(intern!(py, "fin"))?.is_truthy()?;
        let was_amid = self.is_amid.load(Ordering::Relaxed);
        if is_last && !was_amid {
            let payload = frame.call_method0(intern!(py, "get_payload_as_bytes"))?;
            if locked(&self.shelf).apply(payload.cast::<PyBytes>()?.as_bytes()) != NOT_A_BOOK {
                return Ok(());
            }
        }
        self.otherwise.call1(py, (transport, frame))?;
        if was_amid || !is_last {
            self.is_amid.store(self.amid.call0(py)?.is_truthy(py)?, Ordering::Relaxed);
        }
        Ok(())
    }
}

#[pymethods]
impl Books {
    #[new]
    #[pyo3(signature = (frames, proof, *, depth=None, price_decimals=0, size_decimals=0, books_max=10_000, opens=true))]
    fn new(
        frames: &str,
        proof: &str,
        depth: Option<usize>,
        price_decimals: u32,
        size_decimals: u32,
        books_max: usize,
        opens: bool,
    ) -> PyResult<Self> {
        let form = Form::of(frames).ok_or_else(|| PyValueError::new_err(format!("no frames are called {frames:?}")))?;
        let rules = rules(proof, depth, price_decimals, size_decimals)?;
        let shelf = Shelf { form, rules, books_max, opens, books: HashMap::new(), changed: Vec::new(), last: None };
        Ok(Self { shelf: Arc::new(Mutex::new(shelf)) })
    }

    /// Take one frame: bytes, or whatever shows its bytes.
    fn apply(&self, frame: &Bound<'_, PyAny>) -> PyResult<u8> {
        if let Ok(bytes) = frame.cast::<PyBytes>() {
            return Ok(locked(&self.shelf).apply(bytes.as_bytes()));
        }
        let buffer = PyBuffer::<u8>::get(frame)?;
        let bytes = buffer.to_vec(frame.py())?;
        Ok(locked(&self.shelf).apply(&bytes))
    }

    /// Take one frame; whether it was about a book that is kept here, even if it could not be read.
    fn take(&self, frame: &Bound<'_, PyBytes>) -> bool {
        locked(&self.shelf).apply(frame.as_bytes()) != NOT_A_BOOK
    }

    /// A listener for `picows`: `otherwise` is called with the frames that are not about a book, and `amid` tells whether a
    /// message came in part so far.
    fn listen(&self, otherwise: Py<PyAny>, amid: Py<PyAny>) -> Listener {
        Listener { shelf: Arc::clone(&self.shelf), otherwise, amid, is_amid: AtomicBool::new(false) }
    }

    /// Take one frame, and answer with the best levels of the last book that it told of as well.
    fn top<'py>(&self, frame: &Bound<'py, PyBytes>) -> PyResult<Top<'py>> {
        let mut held = locked(&self.shelf);
        let code = held.apply(frame.as_bytes());
        let Some((_, last)) = held.last.as_ref().filter(|_| code < NOT_A_BOOK) else {
            return Ok((code, None, None));
        };
        let book = locked(last);
        Ok((code, best_of(frame.py(), &book.bids)?, best_of(frame.py(), &book.asks)?))
    }

    /// Take many frames without holding Python back; how often each code was the answer.
    fn apply_many(&self, py: Python<'_>, frames: Vec<PyBackedBytes>) -> [u64; CODES] {
        py.detach(|| {
            let mut held = locked(&self.shelf);
            let mut codes = [0; CODES];
            for frame in &frames {
                codes[usize::from(held.apply(frame))] += 1;
            }
            codes
        })
    }

    /// Take the whole book of a symbol, as it is asked for beside the stream.
    fn whole(&self, symbol: &str, body: &[u8]) -> u8 {
        let mut held = locked(&self.shelf);
        let Ok(update) = frames::binance_whole(body) else {
            return UNREADABLE;
        };
        if !held.open(symbol.as_bytes()) {
            return NOT_A_BOOK;
        }
        held.update(symbol.as_bytes(), update).unwrap_or(NOT_A_BOOK)
    }

    /// The book of a symbol, opened when it is not there.
    fn book(&self, symbol: &str) -> PyResult<Book> {
        let mut held = locked(&self.shelf);
        if !held.open(symbol.as_bytes()) {
            return Err(PyValueError::new_err("there are too many books"));
        }
        Ok(Book { core: Arc::clone(&held.books[symbol.as_bytes()]) })
    }

    /// Let go of a book.
    fn close(&self, symbol: &str) {
        locked(&self.shelf).close(symbol.as_bytes());
    }

    #[getter]
    fn symbols(&self) -> Vec<String> {
        locked(&self.shelf).books.keys().map(|symbol| String::from_utf8_lossy(symbol).into_owned()).collect()
    }

    /// The symbols whose books were touched since this was last asked.
    fn changed(&self) -> Vec<String> {
        let changed = locked(&self.shelf).changed();
        changed.iter().map(|symbol| String::from_utf8_lossy(symbol).into_owned()).collect()
    }
}

#[pymodule]
fn floorbroker_book(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<Change>()?;
    module.add_class::<Book>()?;
    module.add_class::<Listener>()?;
    module.add_class::<Books>()
}
