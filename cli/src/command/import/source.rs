//! What is imported: a file or standard input, plain or gzip, read on a thread of its own.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::{Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;
use tokio::{sync::mpsc, task::JoinHandle};

/// Bytes sent at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// How gzip begins.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// An input that is open and has not been read.
pub(super) struct Source {
    reader: Box<dyn Read + Send>,
    /// Its size, where it has one. Of a compressed file, the compressed size.
    pub(super) bytes: Option<u64>,
    /// How much of `bytes` has been read.
    pub(super) read: Arc<AtomicU64>,
}

impl Source {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(name: &str) -> io::Result<Self> {
        let (reader, bytes): (Box<dyn Read + Send>, _) = if name == "-" {
            (Box::new(io::stdin()), None)
        } else {
            let file = File::open(name)?;
            let metadata = file.metadata()?;
            (Box::new(file), metadata.is_file().then_some(metadata.len()))
        };
        let read = Arc::new(AtomicU64::new(0));
        let reader = unpacked(Counted { reader, read: Arc::clone(&read) })?;
        Ok(Self { reader, bytes, read })
    }

    /// Reads everything into `feed`. An error in the middle breaks the import off.
    pub(super) fn feed(mut self, feed: mpsc::Sender<io::Result<Bytes>>) -> JoinHandle<io::Result<()>> {
        tokio::task::spawn_blocking(move || {
            loop {
                let piece = match piece(&mut self.reader) {
                    Ok(piece) if piece.is_empty() => return Ok(()),
                    Ok(piece) => piece,
                    Err(error) => {
                        // NOTE: the daemon may have ended the import already; then nobody needs to be told.
                        let _ = feed.blocking_send(Err(io::Error::from(error.kind())));
                        return Err(error);
                    }
                };
                if feed.blocking_send(Ok(piece)).is_err() {
                    return Ok(());
                }
            }
        })
    }
}

fn piece(reader: &mut impl Read) -> io::Result<Bytes> {
    let mut piece = BytesMut::zeroed(PIECE_BYTES);
    let length = reader.read(&mut piece)?;
    piece.truncate(length);
    Ok(piece.freeze())
}

/// Looks at the first bytes to see whether they are to be unpacked.
fn unpacked(mut reader: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut start = Vec::with_capacity(GZIP_MAGIC.len());
    reader.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut start)?;
    let gzip = start == GZIP_MAGIC;
    let whole = BufReader::with_capacity(PIECE_BYTES, io::Cursor::new(start).chain(reader));
    Ok(if gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) })
}

/// Counts what passes.
struct Counted<R> {
    reader: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn read(bytes: Vec<u8>) -> String {
        let mut text = String::new();
        unpacked(io::Cursor::new(bytes)).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn gzip_is_known_by_its_first_bytes() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(b"{}\n{}\n").unwrap();
        let packed = packed.finish().unwrap();
        assert_eq!(read(packed.clone()), "{}\n{}\n");
        assert_eq!(read([packed.clone(), packed].concat()), "{}\n{}\n{}\n{}\n");
        assert_eq!(read(b"{}\n".to_vec()), "{}\n");
        assert_eq!(read(b"{".to_vec()), "{");
        assert_eq!(read(Vec::new()), "");
    }
}
