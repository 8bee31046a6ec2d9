//! A body that is one frame.

use bytes::Bytes;

use super::Each;
use super::held::Held;
use crate::error::Result;
use crate::provider::Frame;

/// Collects the whole body. It is a frame when it is empty, too: the decoder says what that means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Json {
    /// The only piece so far, where it is shared: most bodies have no other, and then it is not copied.
    only: Bytes,
    pub(super) held: Held,
}

impl Json {
    pub(super) fn new(limit: usize) -> Self {
        Json { only: Bytes::new(), held: Held::new(limit) }
    }

    /// Whether nothing has come.
    pub(super) fn is_empty(&self) -> bool {
        self.only.is_empty() && self.held.is_empty()
    }

    pub(super) fn begin(&mut self, chunk: Bytes) -> Result<()> {
        self.held.admit(chunk.len())?;
        self.only = chunk;
        Ok(())
    }

    pub(super) fn feed(&mut self, chunk: &[u8]) -> Result<()> {
        let only = std::mem::take(&mut self.only);
        self.held.append(&only)?;
        self.held.append(chunk)
    }

    pub(super) fn eof(&mut self, each: Each<'_>) -> Result<()> {
        let data = if self.only.is_empty() { self.held.bytes() } else { &self.only };
        each(Frame { name: None, data })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::framing::Framer;
    use crate::provider::Framing;

    fn frames(pieces: &[&'static str]) -> Vec<Vec<u8>> {
        let (mut framer, mut frames) = (Framer::new(Framing::Json, 16), Vec::new());
        let mut each = |frame: Frame<'_>| {
            frames.push(frame.data.to_vec());
            Ok(())
        };
        for piece in pieces {
            framer.feed_shared(&Bytes::from_static(piece.as_bytes()), &mut each).unwrap();
        }
        framer.eof(&mut each).unwrap();
        frames
    }

    #[test]
    fn shared_pieces_are_one_frame_however_many_they_are() {
        let body = r#"{"a":1}"#;
        for pieces in [&[body][..], &["", body], &[r#"{"a""#, ":1}"], &["\u{feff}", body]] {
            assert_eq!(frames(pieces), [body.as_bytes()], "{pieces:?}");
        }
        assert_eq!(frames(&[]), [b""]);
        let longer = Bytes::from_static(b"seventeen letters");
        assert!(Framer::new(Framing::Json, 16).feed_shared(&longer, &mut |_| Ok(())).is_err());
    }
}
