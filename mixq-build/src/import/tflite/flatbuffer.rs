//! FlatBuffers, the encoding of TFLite files, as far as their tables need it.
//!
//! The published readers of this encoding are generated from the whole schema, and check nothing, or are not
//! for safe Rust: here each access is checked, and a place outside of the file is an error.

/// A place of a file that is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged {
    /// The byte.
    pub(super) at: usize,
}

type Checked<T> = Result<T, Damaged>;

/// A table: fields by number, each of which may be left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    file: &'a [u8],
    at: usize,
}

/// A list.
#[derive(Clone, Copy, Debug)]
pub(super) struct List<'a> {
    file: &'a [u8],
    /// Where its elements begin.
    at: usize,
    /// The number of elements.
    pub(super) len: usize,
}

fn bytes<const N: usize>(file: &[u8], at: usize) -> Checked<[u8; N]> {
    let found = at.checked_add(N).and_then(|end| file.get(at..end)).and_then(|found| found.try_into().ok());
    found.ok_or(Damaged { at })
}

/// Where the offset at a place leads.
fn followed(file: &[u8], at: usize) -> Checked<usize> {
    let offset = u32::from_le_bytes(bytes(file, at)?) as usize;
    at.checked_add(offset).filter(|target| *target < file.len() && offset > 0).ok_or(Damaged { at })
}

impl<'a> Table<'a> {
    /// The table that the whole file is.
    pub(super) fn root(file: &'a [u8]) -> Checked<Table<'a>> {
        Ok(Table { file, at: followed(file, 0)? })
    }

    /// Where field `number` lies; `None` if it is left out.
    fn field(&self, number: usize) -> Checked<Option<usize>> {
        let Table { file, at } = *self;
        let back = i32::from_le_bytes(bytes(file, at)?);
        let fields = i64::try_from(at).ok().and_then(|at| usize::try_from(at - i64::from(back)).ok());
        let fields = fields.ok_or(Damaged { at })?;
        let size = usize::from(u16::from_le_bytes(bytes(file, fields)?));
        let entry = 4 + 2 * number;
        if entry + 2 > size {
            return Ok(None);
        }
        let offset = usize::from(u16::from_le_bytes(bytes(file, fields + entry)?));
        Ok((offset > 0).then_some(at + offset))
    }

    /// A number of 32 bits, or what it is if it is left out.
    pub(super) fn int(&self, number: usize, default: i32) -> Checked<i32> {
        let at = self.field(number)?;
        at.map_or(Ok(default), |at| Ok(i32::from_le_bytes(bytes(self.file, at)?)))
    }

    /// A number of 64 bits; 0 if it is left out.
    pub(super) fn long(&self, number: usize) -> Checked<u64> {
        let at = self.field(number)?;
        at.map_or(Ok(0), |at| Ok(u64::from_le_bytes(bytes(self.file, at)?)))
    }

    /// A number of 8 bits, or what it is if it is left out.
    pub(super) fn byte(&self, number: usize, default: u8) -> Checked<u8> {
        let at = self.field(number)?;
        at.map_or(Ok(default), |at| Ok(u8::from_le_bytes(bytes(self.file, at)?)))
    }

    /// A float, or what it is if it is left out.
    pub(super) fn float(&self, number: usize, default: f32) -> Checked<f32> {
        let at = self.field(number)?;
        at.map_or(Ok(default), |at| Ok(f32::from_le_bytes(bytes(self.file, at)?)))
    }

    /// A table; `None` if it is left out.
    pub(super) fn table(&self, number: usize) -> Checked<Option<Table<'a>>> {
        let Some(at) = self.field(number)? else { return Ok(None) };
        Ok(Some(Table { file: self.file, at: followed(self.file, at)? }))
    }

    /// A list, whose elements have `size` bytes; an empty one if it is left out.
    pub(super) fn list(&self, number: usize, size: usize) -> Checked<List<'a>> {
        let file = self.file;
        let Some(at) = self.field(number)? else { return Ok(List { file, at: 0, len: 0 }) };
        let at = followed(file, at)?;
        let len = u32::from_le_bytes(bytes(file, at)?) as usize;
        let begin = at + 4;
        let end = len.checked_mul(size).and_then(|bytes| begin.checked_add(bytes));
        end.filter(|end| *end <= file.len()).ok_or(Damaged { at })?;
        Ok(List { file, at: begin, len })
    }

    /// A text; an empty one if it is left out.
    pub(super) fn text(&self, number: usize) -> Checked<String> {
        Ok(String::from_utf8_lossy(self.bytes(number)?).into_owned())
    }

    /// Bytes; none if they are left out.
    pub(super) fn bytes(&self, number: usize) -> Checked<&'a [u8]> {
        let list = self.list(number, 1)?;
        Ok(&list.file[list.at..list.at + list.len])
    }

    /// Tables.
    pub(super) fn tables(&self, number: usize) -> Checked<Vec<Table<'a>>> {
        let List { file, at, len } = self.list(number, 4)?;
        (0..len).map(|index| Ok(Table { file, at: followed(file, at + 4 * index)? })).collect()
    }

    /// Numbers of 32 bits.
    pub(super) fn ints(&self, number: usize) -> Checked<Vec<i32>> {
        let List { file, at, len } = self.list(number, 4)?;
        (0..len).map(|index| Ok(i32::from_le_bytes(bytes(file, at + 4 * index)?))).collect()
    }

    /// Numbers of 64 bits.
    pub(super) fn longs(&self, number: usize) -> Checked<Vec<i64>> {
        let List { file, at, len } = self.list(number, 8)?;
        (0..len).map(|index| Ok(i64::from_le_bytes(bytes(file, at + 8 * index)?))).collect()
    }

    /// Numbers of 16 bits.
    pub(super) fn shorts(&self, number: usize) -> Checked<Vec<u16>> {
        let List { file, at, len } = self.list(number, 2)?;
        (0..len).map(|index| Ok(u16::from_le_bytes(bytes(file, at + 2 * index)?))).collect()
    }

    /// Floats.
    pub(super) fn floats(&self, number: usize) -> Checked<Vec<f32>> {
        Ok(self.ints(number)?.into_iter().map(|bits| f32::from_bits(bits as u32)).collect())
    }
}
