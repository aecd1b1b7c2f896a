//! The lines of a body that is still coming in.

use axum::body::Body;
use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;

use crate::{api::ApiError, wire::ErrorCode};

/// Longest line of an import, in bytes: more than the largest event has.
pub(super) const IMPORT_LINE_BYTES: usize = 1 << 20;

/// Cuts a body into lines.
pub(super) struct Lines {
    body: Body,
    buffer: BytesMut,
    searched: usize,
    number: u64,
}

/// A line and its number, counted from 1.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) text: Bytes,
}

impl Lines {
    pub(super) fn new(body: Body) -> Self {
        Self { body, buffer: BytesMut::new(), searched: 0, number: 0 }
    }

    /// Number of the line that was read last.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line that is not blank; none: the body has ended.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, ApiError> {
        loop {
            let Some(text) = self.next_raw().await? else { return Ok(None) };
            self.number += 1;
            if text.len() > IMPORT_LINE_BYTES {
                return Err(too_long());
            }
            if !text.trim_ascii().is_empty() {
                return Ok(Some(Line { number: self.number, text }));
            }
        }
    }

    async fn next_raw(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let text = self.buffer.split_to(self.searched + end).freeze();
                self.buffer.advance(1);
                self.searched = 0;
                return Ok(Some(text));
            }
            self.searched = self.buffer.len();
            if self.searched > IMPORT_LINE_BYTES {
                self.number += 1;
                return Err(too_long());
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.buffer.extend_from_slice(data);
                    }
                }
                Some(Err(error)) => {
                    return Err(ApiError::new(ErrorCode::BadRequest, format!("the body broke off: {error}")));
                }
                None if self.buffer.is_empty() => return Ok(None),
                None => {
                    self.searched = 0;
                    return Ok(Some(self.buffer.split().freeze()));
                }
            }
        }
    }

    /// Reads what is left and throws it away, so that a client that is still writing gets to read the answer.
    pub(super) async fn discard(mut self) {
        while let Some(Ok(_)) = self.body.frame().await {}
    }
}

fn too_long() -> ApiError {
    let message = format!("the line is longer than IMPORT_LINE_BYTES allows ({IMPORT_LINE_BYTES})");
    ApiError::new(ErrorCode::TooLarge, message).hint("no event is as large as that: is there one event on each line?")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn cut(pieces: &'static [&'static str]) -> Vec<(u64, String)> {
        let pieces = futures_util::stream::iter(pieces.iter().map(|piece| Ok::<_, std::io::Error>(*piece)));
        let mut lines = Lines::new(Body::from_stream(pieces));
        let mut cut = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            cut.push((line.number, String::from_utf8(line.text.to_vec()).unwrap()));
        }
        cut
    }

    #[tokio::test]
    async fn lines_are_cut_wherever_the_pieces_end() {
        let expected = vec![(1, "one".to_owned()), (3, "three".to_owned()), (4, "four".to_owned())];
        assert_eq!(cut(&["one\n\nthree\nfour"]).await, expected);
        assert_eq!(cut(&["o", "ne", "\n", " \nth", "ree\nfou", "r\n"]).await, expected);
        assert_eq!(cut(&[]).await, []);
    }

    #[tokio::test]
    async fn a_line_without_end_is_refused() {
        let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 64 << 10]));
        let mut lines = Lines::new(Body::from_stream(endless));
        let error = lines.next().await.err().unwrap();
        assert_eq!((error.into_body().error.code, lines.number()), (ErrorCode::TooLarge, 1));
    }
}
