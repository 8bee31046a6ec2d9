//! Law W1 where bytes become frames: however a stream is cut, the framer gives the same frames and ends in the same
//! state. Decoders see frames only, so equal frames are equal events.
//!
//! The truth is the stream fed byte by byte, with the framer's state at every byte. A piece from byte `i` to `j` is
//! then one feed of the state at `i`: it must give the frames in between and leave the state at `j`. A stream that
//! is cut once is two such pieces, one that is cut twice is three, so pieces are all there is to check.

use belvedere::framing::Framer;
use belvedere::wire::Framing;

/// More than any recorded frame has.
const LIMIT: usize = 16 << 20;

/// What a stream gives, byte by byte.
#[derive(Debug)]
pub struct Truth<'b> {
    body: &'b [u8],
    /// The state before each byte, and at the end.
    states: Vec<Framer>,
    /// How many frames were given until then.
    given: Vec<usize>,
    frames: Vec<Owned>,
}

/// A frame: its name and its data.
type Owned = (Option<String>, Vec<u8>);

impl<'b> Truth<'b> {
    /// Feeds the stream byte by byte.
    ///
    /// # Errors
    /// The framer's, in words.
    pub fn of(framing: Framing, body: &'b [u8]) -> Result<Self, String> {
        let mut framer = Framer::new(framing, LIMIT);
        let (mut states, mut given, mut frames) = (vec![framer.clone()], vec![0], Vec::new());
        for byte in body {
            let fed = framer.feed(std::slice::from_ref(byte), &mut |frame| {
                frames.push((frame.name.map(str::to_owned), frame.data.to_vec()));
                Ok(())
            });
            fed.map_err(|e| e.to_string())?;
            states.push(framer.clone());
            given.push(frames.len());
        }
        Ok(Truth { body, states, given, frames })
    }

    /// Cuts the stream once, at each byte. A piece is cut off where it is longer than `reach`.
    ///
    /// # Errors
    /// Where the pieces give something else.
    pub fn check_every_cut(&self, reach: usize) -> Result<(), String> {
        let end = self.body.len();
        for at in 0..=end {
            self.check(at.saturating_sub(reach), at)?;
            self.check(at, end.min(at.saturating_add(reach)))?;
        }
        Ok(())
    }

    /// Cuts the stream twice, at `i` and at `j`.
    ///
    /// # Errors
    /// Where a piece gives something else.
    pub fn check_two_cuts(&self, i: usize, j: usize) -> Result<(), String> {
        self.check(0, i)?;
        self.check(i, j)?;
        self.check(j, self.body.len())
    }

    /// Feeds the bytes from `i` to `j` as one piece.
    ///
    /// # Errors
    /// When the piece gives other frames, or leaves another state.
    pub fn check(&self, i: usize, j: usize) -> Result<(), String> {
        self.is_same(i, j).ok_or_else(|| format!("bytes {i} to {j} in one piece give other frames or state"))
    }

    /// Whether another stream has the same frames.
    pub fn has_the_frames_of(&self, other: &Truth<'_>) -> bool {
        self.frames == other.frames
    }

    fn is_same(&self, i: usize, j: usize) -> Option<()> {
        let mut framer = self.states.get(i)?.clone();
        let mut expected = self.frames.get(*self.given.get(i)?..*self.given.get(j)?)?.iter();
        let mut same = true;
        let fed = framer.feed(self.body.get(i..j)?, &mut |frame| {
            let next = expected.next();
            same &= next.is_some_and(|(name, data)| name.as_deref() == frame.name && data == frame.data);
            Ok(())
        });
        (fed.is_ok() && same && expected.next().is_none() && framer == *self.states.get(j)?).then_some(())
    }
}
