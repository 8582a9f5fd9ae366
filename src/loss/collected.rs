//! What a CTC loss keeps of the frames until an item's last one was there.

use rustc_hash::FxHashMap;

use crate::kernel::Element;
use crate::logits::RowScale;

/// Scores in the precision of the file.
enum Scores {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Scores {
    fn new(single: bool) -> Self {
        if single { Self::Single(Vec::new()) } else { Self::Double(Vec::new()) }
    }

    fn is_single(&self) -> bool {
        matches!(self, Self::Single(_))
    }

    fn len(&self) -> usize {
        match self {
            Self::Single(scores) => scores.len(),
            Self::Double(scores) => scores.len(),
        }
    }
}

/// Consecutive frames of an item: the scores of the columns that its labels need, as they were in the file, and
/// what makes log-probabilities of them.
pub(super) struct Segment {
    item: usize,
    first_frame: usize,
    scores: Scores,
    scales: Vec<RowScale>,
}

impl Segment {
    fn new<E: Element>() -> Self {
        Self { item: 0, first_frame: 0, scores: Scores::new(E::SINGLE), scales: Vec::new() }
    }

    /// Makes it empty, for frames from `frame` on.
    fn begin(&mut self, item: usize, frame: usize) {
        (self.item, self.first_frame) = (item, frame);
        self.scales.clear();
        match &mut self.scores {
            Scores::Single(scores) => scores.clear(),
            Scores::Double(scores) => scores.clear(),
        }
    }

    fn push<E: Element>(&mut self, columns: &[E], scale: RowScale) {
        self.scales.push(scale);
        let columns = columns.iter().map(|x| x.to_f64());
        match &mut self.scores {
            // Single precision holds what came from it.
            Scores::Single(scores) => scores.extend(columns.map(|x| x as f32)),
            Scores::Double(scores) => scores.extend(columns),
        }
    }
}

/// What one thread has of some rows, by item: in a time-major batch neighbours belong to different ones, and
/// threads that met at each of them would wait for each other.
#[derive(Default)]
pub(super) struct Gathered {
    /// The first `used` are in use; the others are room to be used again.
    segments: Vec<Segment>,
    used: usize,
    /// Where in `segments` the last one of an item is.
    last: FxHashMap<usize, usize>,
}

impl Gathered {
    /// Keeps the scores of an item's columns in a frame.
    pub(super) fn push<E: Element>(&mut self, (item, frame): (usize, usize), columns: &[E], scale: RowScale) {
        let follows = |segment: &Segment| segment.first_frame + segment.scales.len() == frame;
        let at = match self.last.get(&item) {
            Some(&at) if follows(&self.segments[at]) => at,
            _ => {
                let at = self.used;
                self.used += 1;
                if self.used > self.segments.len() {
                    self.segments.push(Segment::new::<E>());
                }
                self.segments[at].begin(item, frame);
                self.last.insert(item, at);
                at
            }
        };
        self.segments[at].push(columns, scale);
    }

    /// Hands out each run of consecutive frames with its item, and is empty then.
    pub(super) fn drain(&mut self, mut each: impl FnMut(usize, &Segment)) {
        for segment in &self.segments[..self.used] {
            each(segment.item, segment);
        }
        self.used = 0;
        self.last.clear();
    }
}

/// What was kept of an item so far: of each frame its columns, `[frames, columns]`, and its normaliser.
pub(super) struct Collected {
    scores: Scores,
    scales: Vec<RowScale>,
    frames: usize,
}

impl Default for Collected {
    fn default() -> Self {
        Self { scores: Scores::new(true), scales: Vec::new(), frames: 0 }
    }
}

/// Frames and scores whose room is set aside before anything is known of them; a header may claim anything.
const MOST_SET_ASIDE: usize = 1 << 16;

impl Collected {
    /// Adds frames that were not there, of an item that has `length`.
    pub(super) fn add(&mut self, segment: &Segment, length: usize) {
        /// Puts values at a place; where they are the first, makes room for `most`.
        fn place<T: Copy>(to: &mut Vec<T>, at: usize, from: &[T], most: usize) {
            if to.is_empty() {
                to.reserve_exact(most);
            }
            if to.len() < at {
                // Written before it is read.
                to.resize(at, from[0]);
            }
            let known = (to.len() - at).min(from.len());
            to[at..at + known].copy_from_slice(&from[..known]);
            to.extend_from_slice(&from[known..]);
        }
        let Segment { first_frame: first, scores, scales, .. } = segment;
        if self.frames == 0 {
            self.scores = Scores::new(scores.is_single());
        }
        self.frames += scales.len();
        let most = length.min(MOST_SET_ASIDE);
        place(&mut self.scales, *first, scales, most);
        let width = scores.len() / scales.len();
        let most = (most * width).min(8 * MOST_SET_ASIDE);
        match (&mut self.scores, scores) {
            (Scores::Single(to), Scores::Single(from)) => place(to, first * width, from, most),
            (Scores::Double(to), Scores::Double(from)) => place(to, first * width, from, most),
            _ => unreachable!("a file has one precision"),
        }
    }

    /// Number of frames that are there.
    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    /// Writes the log-probabilities of all frames, `[frames, width]`, to `out`.
    pub(super) fn log_probs(&self, width: usize, out: &mut Vec<f64>) {
        fn of<E: Element>(scores: &[E], width: usize, scales: &[RowScale], out: &mut Vec<f64>) {
            for (scores, scale) in scores.chunks_exact(width).zip(scales) {
                out.extend(scores.iter().map(|&x| scale.log_prob(x)));
            }
        }
        out.clear();
        out.reserve(self.scales.len() * width);
        match &self.scores {
            Scores::Single(scores) => of(scores, width, &self.scales, out),
            Scores::Double(scores) => of(scores, width, &self.scales, out),
        }
    }
}
