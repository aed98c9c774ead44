//! What must be known of a layer to find its rows.

use super::reach::Reach;
use super::{MOST_LAYERS, MOST_LINES, Stage};
use crate::{Layer, Tensor};

/// A layer of a stage, or the input of one that is fed. Layers are counted from the first one of the stage;
/// the input has the number behind the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Line {
    /// First byte in the arena of the place in which its output lies.
    pub offset: u32,
    /// Bytes of a row of its output.
    pub row_bytes: u32,
    /// Rows of its whole output.
    pub height: u16,
    /// Rows of the input from one row of the output to the next.
    pub stride: u16,
    /// Rows of the input that a row of the output needs.
    pub span: u16,
    /// Rows of padding above the input.
    pub pad: u16,
    /// The lines whose outputs it reads, or [`Line::OUTSIDE`], [`Line::NONE`]. The second may be
    /// [`Line::NEAREST`], [`Line::BETWEEN`] or [`Line::BLOCKS`] instead: such layers have one input.
    pub inputs: [u8; 2],
    /// The line in whose place its output lies: itself, or the first of those that work in place of one
    /// another. [`Line::WHOLE`]: the place holds all rows.
    pub place: u8,
    /// Rows that it makes in a turn at most, or [`Line::ANY`]: as many as it makes in most turns. The last
    /// rows of its input would give more, and its place would have to be larger.
    pub most: u8,
}

/// The lines of a stage: of its layers, then of its input if it is fed.
#[derive(Clone, Copy, Debug)]
pub struct Lines {
    lines: [Line; MOST_LINES],
    count: usize,
    /// Those of them that are layers.
    pub(super) layers: usize,
}

impl core::ops::Deref for Lines {
    type Target = [Line];

    fn deref(&self) -> &[Line] {
        &self.lines[..self.count]
    }
}

impl Line {
    /// A tensor that the stage reads from outside.
    pub const OUTSIDE: u8 = 255;
    /// No tensor, or one pixel that counts for all rows.
    pub const NONE: u8 = 254;
    /// As many rows as can be made.
    pub const ANY: u8 = 255;
    /// The place holds all rows of its tensors.
    pub const WHOLE: u8 = 255;
    /// Instead of a second input: each row of the output is the row of the input before its position. Row `y`
    /// lies at `(y * stride + pad) / span`, where `pad` has a sign, in the complement of two.
    pub const NEAREST: u8 = 253;
    /// The same, but a row of the output lies between two rows of the input.
    pub const BETWEEN: u8 = 252;
    /// As `NEAREST`, but the rows of the output that a row of the input makes are made together.
    pub const BLOCKS: u8 = 251;

    const EMPTY: Line = Line {
        offset: 0,
        row_bytes: 0,
        height: 0,
        stride: 1,
        span: 1,
        pad: 0,
        inputs: [Line::NONE; 2],
        place: Line::WHOLE,
        most: Line::ANY,
    };

    /// The first row of the input that is needed for row `row` of the output.
    pub(super) const fn first(&self, row: u16) -> u32 {
        if self.is_between() {
            return self.first_between(row);
        }
        (row as u32 * self.stride as u32).saturating_sub(self.pad as u32)
    }

    /// How many rows of the input, counted from its first one, are needed for `rows` rows of the output.
    pub(super) const fn needed(&self, rows: u16) -> u32 {
        if rows == 0 {
            return 0;
        }
        if self.is_between() {
            return self.needed_between(rows);
        }
        ((rows as u32 - 1) * self.stride as u32 + self.span as u32).saturating_sub(self.pad as u32)
    }
}

impl Line {
    /// Whether rows of its output lie between those of its input.
    const fn is_between(&self) -> bool {
        self.inputs[1] >= Line::BLOCKS && self.inputs[1] <= Line::NEAREST
    }

    /// Whether the last row of its input makes fewer rows than others.
    pub(super) fn is_cut(&self) -> bool {
        self.inputs[1] == Line::BLOCKS && !self.height.is_multiple_of(self.span)
    }

    /// [`first`](Self::first) of such a line.
    // Not inlined, as `needed_between`: networks without such layers take less of the flash.
    #[inline(never)]
    const fn first_between(&self, row: u16) -> u32 {
        self.units(row) / self.span as u32
    }

    /// [`needed`](Self::needed) of such a line, for a row or more.
    #[inline(never)]
    const fn needed_between(&self, rows: u16) -> u32 {
        match self.units(rows - 1) {
            0 => 1,
            units => units / self.span as u32 + 1 + (self.inputs[1] == Line::BETWEEN) as u32,
        }
    }

    /// Where a row of the output lies, in parts of a row of the input.
    const fn units(&self, row: u16) -> u32 {
        (row as u32 * self.stride as u32).saturating_add_signed(self.pad.cast_signed() as i32)
    }

    /// `rows` rows of the output, and those that are made together with them.
    #[inline(never)]
    pub(super) fn together(&self, rows: u16) -> u16 {
        let rows = match self.inputs[1] {
            Line::BLOCKS => u32::from(rows).next_multiple_of(self.span.into()),
            _ => rows.into(),
        };
        rows.min(self.height.into()) as u16
    }

    /// Rows that it makes of `rows` rows of its input, in most turns.
    fn made(&self, rows: u8) -> u16 {
        let made = self.parts(rows.into()).div_ceil(self.stride.max(1).into());
        u16::try_from(made).unwrap_or(u16::MAX)
    }

    /// Rows of its input of which it makes `rows` rows, in most turns.
    fn read(&self, rows: u16) -> u16 {
        let read = u32::from(rows) * u32::from(self.stride);
        let read = if self.is_between() { read.div_ceil(self.span.into()) } else { read };
        u16::try_from(read).unwrap_or(u16::MAX)
    }

    /// `rows` rows of the input, in what a stride counts. Where rows of the output lie between them, these
    /// are parts of a row: a row has `span`.
    const fn parts(&self, rows: u32) -> u32 {
        if self.is_between() { rows * self.span as u32 } else { rows }
    }

    /// By how many rows its output goes on from one window of a signal to the next, if its input goes on by
    /// `rows` rows.
    pub fn goes_on(&self, rows: u16) -> u16 {
        (self.parts(rows.into()) / u32::from(self.stride.max(1))) as u16
    }

    /// Why the windows of a signal cannot share its rows, if its input goes on by `rows` rows from one to the
    /// next and has `height` rows.
    pub(super) fn can_share(&self, rows: u16, height: u16) -> Result<(), &'static str> {
        let pads = if self.is_between() { self.pad.cast_signed() < 0 } else { self.pad > 0 };
        if pads || self.is_cut() || self.needed(self.height) != u32::from(height) {
            return Err("a layer pads rows, or leaves the last ones out: windows do not share them");
        }
        if self.stride == 0 || !self.parts(rows.into()).is_multiple_of(self.stride.into()) {
            return Err("a hop is not of whole strides");
        }
        Ok(())
    }
}

impl Stage {
    /// The lines of its layers, of all layers of the network.
    ///
    /// # Errors
    /// Why these layers cannot be a stage.
    pub fn lines(&self, layers: &[Layer]) -> Result<Lines, &'static str> {
        let layers = layers.get(self.range()).ok_or("a stage has layers that the network does not have")?;
        if !(1..=MOST_LAYERS).contains(&layers.len()) || self.rows == 0 {
            return Err("a stage has 1 to 96 layers, and makes at least a row in a turn");
        }
        if self.backwards && (layers.len() > 1 || self.fed) {
            return Err(
                "a stage of several layers, or one that is fed, goes from its last row to its first one",
            );
        }
        if self.fed && self.first > 0 {
            return Err("a stage that is fed does not begin with the first layer");
        }
        if self.hop > 0 && layers.iter().any(|layer| matches!(layer, Layer::Constants(_))) {
            return Err("each row of a window has constants of its own: windows do not share it");
        }
        let (mut lines, mut count) = ([Line::EMPTY; MOST_LINES], layers.len());
        if self.fed {
            lines[count] = fed(layers)?;
            count += 1;
        }
        for index in 0..layers.len() {
            lines[index] = line(layers, index, &lines[..count])?;
        }
        // The last output lies in the arena whole, and with it what it takes the place of.
        let last = layers.len() - 1;
        let whole = lines[last].place;
        lines[..count]
            .iter_mut()
            .filter(|line| line.place == whole)
            .for_each(|line| line.place = Line::WHOLE);
        if self.backwards && lines[0].is_cut() {
            return Err("a stage goes from its last row to its first one, of which it makes fewer together");
        }
        let lines = Lines { lines, count, layers: layers.len() };
        lines.can_slide(self)?;
        Ok(lines.with_rows(self.rows))
    }
}

impl Lines {
    /// The lines of the same stage, whose first layer then makes `rows` rows in a turn.
    pub fn with_rows(mut self, rows: u16) -> Lines {
        let most = |rows: u16| u8::try_from(rows).unwrap_or(Line::ANY);
        let rows = self.lines[0].together(rows);
        let read = most(self.lines[0].read(rows));
        self.lines[..self.count].iter_mut().skip(self.layers).for_each(|input| input.most = read);
        self.lines[0].most = most(rows);
        for index in 1..self.layers {
            let line = self.lines[index];
            let inputs = line.inputs.iter().filter_map(|input| self.get(usize::from(*input)));
            // What sees nothing of the first layer does not slow down what does.
            let limited = inputs.filter(|input| input.most < Line::ANY);
            let rows = limited.map(|input| line.made(input.most)).max();
            self.lines[index].most = rows.map_or(Line::ANY, most);
        }
        self
    }
}

/// The line of what the layers of a stage read from outside, which is one tensor.
fn fed(layers: &[Layer]) -> Result<Line, &'static str> {
    let made = |tensor: &Tensor, reader: usize| layers[..reader].iter().any(|layer| layer.output() == tensor);
    let read = layers.iter().enumerate().flat_map(|(reader, layer)| layer.inputs().map(move |t| (t, reader)));
    let mut outside = read.filter(|(tensor, reader)| !made(tensor, *reader)).map(|(tensor, _)| tensor);
    let input = outside.next().ok_or("a stage that is fed reads nothing")?;
    if outside.any(|other| other != input) {
        return Err("a stage that is fed reads several tensors from outside");
    }
    let (offset, row_bytes, height) = (input.offset, row_bytes(input) as u32, input.height);
    Ok(Line { offset, row_bytes, height, place: layers.len() as u8, ..Line::EMPTY })
}

/// `lines`: those before it, and that of the input if the stage is fed.
fn line(layers: &[Layer], index: usize, lines: &[Line]) -> Result<Line, &'static str> {
    let layer = &layers[index];
    let Reach { stride, span, pad, by } =
        Reach::of(layer).ok_or("a layer of a stage cannot be executed in stripes")?;
    let output = layer.output();
    let writer = |tensor: &Tensor| layers[..index].iter().rposition(|layer| layer.output() == tensor);
    let by_channel = matches!(layer, Layer::Multiply(multiply) if multiply.by_channel());
    let is_fed = lines.len() > layers.len();
    let (mut inputs, mut place) = ([Line::NONE, by], index as u8);
    for (which, tensor) in layer.inputs().enumerate() {
        let is_pixel = by_channel && which == 1;
        inputs[which] = match writer(tensor) {
            Some(_) if is_pixel => return Err("a pixel that multiplies others is made in the same stage"),
            None if is_pixel && is_fed => return Err("a pixel that multiplies others comes in rows"),
            Some(writer) => writer as u8,
            None if is_pixel => Line::NONE,
            None if is_fed => layers.len() as u8,
            None => Line::OUTSIDE,
        };
        if tensor.offset == output.offset {
            place = lines.get(usize::from(inputs[which])).map_or(Line::WHOLE, |line| line.place);
        }
        if !is_pixel && !row_bytes(tensor).is_multiple_of(4) {
            return Err("a row in a stage is not of whole words");
        }
    }
    if !row_bytes(output).is_multiple_of(4) {
        return Err("a row in a stage is not of whole words");
    }
    let (offset, row_bytes) = (output.offset, row_bytes(output) as u32);
    Ok(Line { offset, row_bytes, height: output.height, stride, span, pad, inputs, place, most: Line::ANY })
}

/// Bytes of a row.
fn row_bytes(tensor: &Tensor) -> usize {
    usize::from(tensor.width) * tensor.pixel_bytes()
}
