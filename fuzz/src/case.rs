//! An input: a choice, two cuts and a body.

/// Above this length a body is not read byte by byte, in bytes: the fuzzer would lose its speed.
const BYTEWISE: usize = 1024;

/// One input. Its first five bytes choose, the others are the body: seeds stay readable.
#[derive(Debug)]
pub struct Case<'a> {
    /// Which of the ways of a target to take.
    pub choice: u8,
    /// What is read.
    pub body: &'a [u8],
    cuts: (usize, usize),
}

impl<'a> Case<'a> {
    /// Splits an input; `None` when it is too short.
    pub fn of(input: &'a [u8]) -> Option<Self> {
        let ([choice, a, b, c, d], body) = input.split_first_chunk()?;
        let at = |bytes| usize::from(u16::from_le_bytes(bytes)) % (body.len() + 1);
        let (first, second) = (at([*a, *b]), at([*c, *d]));
        Some(Case { choice: *choice, body, cuts: (first.min(second), first.max(second)) })
    }

    /// The body in several cuttings; the first is the whole.
    pub fn cuttings(&self) -> impl Iterator<Item = Vec<&'a [u8]>> {
        let (body, (first, second)) = (self.body, self.cuts);
        let mut cuttings = vec![
            vec![body],
            vec![&body[..first], &body[first..]],
            vec![&body[..first], &body[first..second], &body[second..]],
        ];
        if body.len() <= BYTEWISE {
            cuttings.push(body.chunks(1).collect());
        }
        cuttings.into_iter()
    }

    /// True when the given bit of the choice is set.
    pub fn chooses(&self, bit: u8) -> bool {
        self.choice >> bit & 1 == 1
    }
}
