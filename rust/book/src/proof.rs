//! How books are proven, beside the book and without it.

/// The kinds of proof; the words are those of `BookProof`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    None,
    Crc32,
    Chain,
    Step,
}

impl Kind {
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "none" => Some(Self::None),
            "crc32" => Some(Self::Crc32),
            "chain" => Some(Self::Chain),
            "step" => Some(Self::Step),
            _ => None,
        }
    }
}

/// The numbers an update carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    pub sequence: Option<i64>,
    pub previous: Option<i64>,
    pub checksum: Option<u32>,
}

/// An update that contradicts the one before it.  `begins`: another chain may begin with it.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    pub text: String,
    pub begins: bool,
}

impl Wrong {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), begins: false }
    }
}

/// One book's numbers.
#[derive(Debug, Clone)]
pub struct Proof {
    kind: Kind,
    last: Option<i64>, // the last number heard
    held: i64,         // the last number in the book
}

impl Proof {
    pub fn new(kind: Kind) -> Self {
        Self { kind, last: None, held: 0 }
    }

    /// Whether updates before the whole book are to be kept.
    pub fn keeps(&self) -> bool {
        self.kind == Kind::Chain
    }

    /// Whether an update that passes is proven.
    pub fn judges(&self) -> bool {
        self.kind != Kind::None
    }

    pub fn checks(&self) -> bool {
        self.kind == Kind::Crc32
    }

    /// Hear of an update, whether a book is there or not.
    pub fn follow(&mut self, numbers: Numbers) -> Result<(), Wrong> {
        match self.kind {
            Kind::None | Kind::Crc32 => Ok(()),
            Kind::Chain => self.follow_chain(numbers),
            Kind::Step => self.follow_step(numbers),
        }
    }

    fn follow_chain(&mut self, numbers: Numbers) -> Result<(), Wrong> {
        let before = self.last.take();
        let (Some(sequence), Some(previous)) = (numbers.sequence, numbers.previous) else {
            return Err(Wrong::new("it carries no number"));
        };
        if previous >= sequence {
            return Err(Wrong::new(format!("its numbers run backwards, {previous} to {sequence}")));
        }
        self.last = Some(sequence);
        match before {
            Some(before) if before != previous => {
                Err(Wrong { text: format!("it follows {previous}, and {before} was the last"), begins: true })
            }
            _ => Ok(()),
        }
    }

    fn follow_step(&mut self, numbers: Numbers) -> Result<(), Wrong> {
        let before = std::mem::replace(&mut self.last, numbers.sequence);
        let Some(sequence) = numbers.sequence else {
            return Err(Wrong::new("it carries no number"));
        };
        match before {
            Some(before) if before.checked_add(1) != Some(sequence) => {
                Err(Wrong::new(format!("it is number {sequence} after {before}")))
            }
            _ => Ok(()),
        }
    }

    /// The whole book is there.
    pub fn begin(&mut self, whole: Numbers) -> Result<(), Wrong> {
        if matches!(self.kind, Kind::None | Kind::Crc32) {
            return Ok(());
        }
        let Some(sequence) = whole.sequence else {
            return Err(Wrong::new("the whole book carries no number"));
        };
        if self.kind == Kind::Chain {
            self.held = sequence;
        } else {
            self.last = Some(sequence);
        }
        Ok(())
    }

    /// Whether the book holds an update already; wrong when something is missing before it.
    pub fn is_old(&mut self, numbers: Numbers) -> Result<bool, Wrong> {
        if self.kind != Kind::Chain {
            return Ok(false);
        }
        let (sequence, previous) = (numbers.sequence.unwrap_or(0), numbers.previous.unwrap_or(0));
        if sequence <= self.held {
            return Ok(true);
        }
        if previous > self.held {
            return Err(Wrong {
                text: format!("it follows {previous}, and the book ends at {}", self.held),
                begins: true,
            });
        }
        self.held = sequence;
        Ok(false)
    }
}
