//! Reads the batches of one journal file of fjall 3.1 (`src/journal/entry.rs` there), all integers little-endian:
//!
//! ```text
//! batch = 0x01 ‖ count u32 ‖ seqno u64   { item | clear } × count   0x03 ‖ xxh3 u64 of items and clears ‖ "FJL" 0x03
//! item  = 0x02 ‖ value type u8 ‖ compression u8 ‖ keyspace u64 ‖ key length u16 ‖ value length u32 ‖ length on disk u32
//!         ‖ key ‖ value
//! clear = 0x04 ‖ keyspace u64
//! ```
//!
//! A file is allocated ahead of what is written, so zeros may follow the last batch.

use std::io::{self, Read};

use xxhash_rust::xxh3::Xxh3;

use crate::{Position, rows::CommitRecord};

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const TRAILER: &[u8; 4] = b"FJL\x03";
/// Longest key and value that fjall takes, of which ours are far from; a longer one is no length but noise.
const VALUE_BYTES: u32 = 64 << 20;

/// How a journal goes on after its last whole batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nothing follows, or zeros that were allocated ahead.
    Clean,
    /// Something follows that is no whole batch.
    Broken,
}

/// What a journal holds, as far as it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Walked {
    /// Where the last whole batch ends.
    pub(super) end: u64,
    /// Last position that a commit record names.
    pub(super) last: Option<Position>,
    pub(super) ending: Ending,
}

/// Walks over the batches of a journal.
pub(super) fn walk(journal: impl Read) -> io::Result<Walked> {
    let mut reader = Reader { journal, read: 0 };
    let mut walked = Walked { end: 0, last: None, ending: Ending::Clean };
    loop {
        match reader.batch()? {
            Found::Batch(last) => {
                walked.end = reader.read;
                walked.last = last.or(walked.last);
            }
            Found::Nothing => return Ok(walked),
            Found::Noise => return Ok(Walked { ending: Ending::Broken, ..walked }),
        }
    }
}

/// Whether a whole batch begins anywhere in these bytes.
pub(super) fn holds_a_batch(bytes: &[u8]) -> bool {
    let begins = |at: &usize| bytes[*at] == START;
    (0..bytes.len()).filter(begins).any(|at| {
        let mut reader = Reader { journal: &bytes[at..], read: 0 };
        matches!(reader.batch(), Ok(Found::Batch(_)))
    })
}

enum Found {
    /// A whole batch, with the last position that it commits, if it commits any.
    Batch(Option<Position>),
    Nothing,
    Noise,
}

struct Reader<R> {
    journal: R,
    read: u64,
}

impl<R: Read> Reader<R> {
    fn batch(&mut self) -> io::Result<Found> {
        match self.array()? {
            None => Ok(Found::Nothing),
            Some([0]) => Ok(if self.only_zeros_follow()? { Found::Nothing } else { Found::Noise }),
            Some([START]) => Ok(self.rest_of_batch()?.map_or(Found::Noise, Found::Batch)),
            Some(_) => Ok(Found::Noise),
        }
    }

    /// None: it is not whole.
    fn rest_of_batch(&mut self) -> io::Result<Option<Option<Position>>> {
        let Some(start) = self.array::<12>()? else { return Ok(None) };
        let [a, b, c, d, ..] = start;
        let (mut checksum, mut last) = (Xxh3::new(), None);
        for _ in 0..u32::from_le_bytes([a, b, c, d]) {
            match self.entry(&mut checksum)? {
                Some(committed) => last = committed.or(last),
                None => return Ok(None),
            }
        }
        let Some([END, sum @ .., t0, t1, t2, t3]) = self.array::<13>()? else { return Ok(None) };
        let whole = checksum.digest() == u64::from_le_bytes(sum) && [t0, t1, t2, t3] == *TRAILER;
        Ok(whole.then_some(last))
    }

    /// One item or clear; none: it is neither.
    fn entry(&mut self, checksum: &mut Xxh3) -> io::Result<Option<Option<Position>>> {
        let Some([tag]) = self.array()? else { return Ok(None) };
        checksum.update(&[tag]);
        match tag {
            CLEAR => {
                let Some(keyspace) = self.array::<8>()? else { return Ok(None) };
                checksum.update(&keyspace);
                Ok(Some(None))
            }
            ITEM => {
                let Some(head) = self.array::<20>()? else { return Ok(None) };
                checksum.update(&head);
                let key = u32::from(u16::from_le_bytes([head[10], head[11]]));
                let value = u32::from_le_bytes([head[16], head[17], head[18], head[19]]);
                if value > VALUE_BYTES {
                    return Ok(None);
                }
                let Some(bytes) = self.bytes(key + value)? else { return Ok(None) };
                checksum.update(&bytes);
                let record = CommitRecord::decode(&bytes[key as usize..]);
                Ok(Some(record.ok().map(|record| record.last)))
            }
            _ => Ok(None),
        }
    }

    fn array<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        Ok(self.fill(&mut bytes)?.then_some(bytes))
    }

    fn bytes(&mut self, count: u32) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        let read = (&mut self.journal).take(count.into()).read_to_end(&mut bytes)?;
        self.read += read as u64;
        Ok((read == count as usize).then_some(bytes))
    }

    /// False: the journal ends before.
    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<bool> {
        match self.journal.read_exact(bytes) {
            Ok(()) => {
                self.read += bytes.len() as u64;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn only_zeros_follow(&mut self) -> io::Result<bool> {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let read = self.journal.read(&mut buffer)?;
            if read == 0 {
                return Ok(true);
            }
            if buffer[..read].iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
        }
    }
}
