//! Writes small TFLite files.

/// A value of a FlatBuffer.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Byte(u8),
    Int(i32),
    Ints(Vec<i32>),
    Floats(Vec<f32>),
    Longs(Vec<i64>),
    Bytes(Vec<u8>),
    Table(Vec<(usize, Value)>),
    Tables(Vec<Value>),
}

pub(super) fn text(text: &str) -> Value {
    Value::Bytes(text.as_bytes().to_vec())
}

impl Value {
    /// Appends it to a file and says where it begins.
    fn append(&self, file: &mut Vec<u8>) -> usize {
        fn list(file: &mut Vec<u8>, count: usize, bytes: impl IntoIterator<Item = u8>) -> usize {
            let at = file.len();
            file.extend((count as u32).to_le_bytes());
            file.extend(bytes);
            at
        }
        match self {
            Value::Ints(values) => list(file, values.len(), values.iter().flat_map(|it| it.to_le_bytes())),
            Value::Floats(values) => list(file, values.len(), values.iter().flat_map(|it| it.to_le_bytes())),
            Value::Longs(values) => list(file, values.len(), values.iter().flat_map(|it| it.to_le_bytes())),
            Value::Bytes(bytes) => list(file, bytes.len(), bytes.iter().copied()),
            Value::Tables(tables) => {
                let at = list(file, tables.len(), vec![0; 4 * tables.len()]);
                for (index, table) in tables.iter().enumerate() {
                    refer(file, at + 4 + 4 * index, table);
                }
                at
            }
            Value::Table(fields) => {
                let count = fields.iter().map(|(number, _)| number + 1).max().unwrap_or(0);
                let mut offsets = vec![0u16; count];
                for (place, (number, _)) in fields.iter().enumerate() {
                    offsets[*number] = 4 + 4 * place as u16;
                }
                let head = [4 + 2 * count as u16, 4 + 4 * fields.len() as u16];
                file.extend(head.iter().chain(&offsets).flat_map(|it| it.to_le_bytes()));
                let at = file.len();
                file.extend((4 + 2 * count as u32).to_le_bytes());
                file.extend(vec![0; 4 * fields.len()]);
                for (place, (_, value)) in fields.iter().enumerate() {
                    let field = at + 4 + 4 * place;
                    match value {
                        Value::Byte(value) => file[field] = *value,
                        Value::Int(value) => file[field..field + 4].copy_from_slice(&value.to_le_bytes()),
                        value => refer(file, field, value),
                    }
                }
                at
            }
            Value::Byte(_) | Value::Int(_) => panic!("numbers lie in tables"),
        }
    }
}

/// Appends a value, and writes at a place how far behind it lies.
fn refer(file: &mut Vec<u8>, place: usize, value: &Value) {
    let target = value.append(file);
    let offset = (target - place) as u32;
    file[place..place + 4].copy_from_slice(&offset.to_le_bytes());
}

/// A network on its way to a file; tensor 0 is its input.
pub(super) struct Network {
    tensors: Vec<Value>,
    buffers: Vec<Value>,
    codes: Vec<Value>,
    operators: Vec<Value>,
}

/// Elements of tensors, by the numbers of the schema.
pub(super) const FLOAT32: u8 = 0;
pub(super) const INT32: u8 = 2;
pub(super) const INT8: u8 = 9;

impl Network {
    pub(super) fn new(dims: &[i32]) -> Network {
        let buffers = vec![Value::Table(Vec::new())];
        let mut network = Network { tensors: Vec::new(), buffers, codes: Vec::new(), operators: Vec::new() };
        network.tensor(FLOAT32, dims, &[], None);
        network
    }

    /// A tensor; a constant if it has bytes. `grid` are scales, zero points and the dimension of both.
    pub(super) fn tensor(
        &mut self,
        kind: u8,
        dims: &[i32],
        bytes: &[u8],
        grid: Option<(&[f32], &[i64], i32)>,
    ) -> i32 {
        let buffer = if bytes.is_empty() { 0 } else { self.buffers.len() as i32 };
        if buffer > 0 {
            self.buffers.push(Value::Table(vec![(0, Value::Bytes(bytes.to_vec()))]));
        }
        let index = self.tensors.len() as i32;
        let mut fields = vec![
            (0, Value::Ints(dims.to_vec())),
            (1, Value::Byte(kind)),
            (2, Value::Int(buffer)),
            (3, text(&format!("t{index}"))),
        ];
        if let Some((scales, zeros, axis)) = grid {
            let grid = vec![
                (2, Value::Floats(scales.to_vec())),
                (3, Value::Longs(zeros.to_vec())),
                (6, Value::Int(axis)),
            ];
            fields.push((4, Value::Table(grid)));
        }
        self.tensors.push(Value::Table(fields));
        index
    }

    /// A constant of which the file has the values that are not 0; `sparsity` says where they lie.
    pub(super) fn sparse(&mut self, dims: &[i32], values: &[f32], sparsity: &[(usize, Value)]) -> i32 {
        let index = self.floats(dims, values);
        match self.tensors.last_mut() {
            Some(Value::Table(fields)) => fields.push((6, Value::Table(sparsity.to_vec()))),
            other => panic!("{other:?}"),
        }
        index
    }

    pub(super) fn floats(&mut self, dims: &[i32], values: &[f32]) -> i32 {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(FLOAT32, dims, &bytes, None)
    }

    pub(super) fn ints(&mut self, dims: &[i32], values: &[i32]) -> i32 {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(INT32, dims, &bytes, None)
    }

    /// An operator by its number, whose options are fields of a table; it writes a tensor of floats.
    pub(super) fn operator(
        &mut self,
        number: i32,
        inputs: &[i32],
        dims: &[i32],
        options: &[(usize, Value)],
    ) -> i32 {
        let output = self.tensor(FLOAT32, dims, &[], None);
        self.writes(number, inputs, &[output], options);
        output
    }

    pub(super) fn writes(
        &mut self,
        number: i32,
        inputs: &[i32],
        outputs: &[i32],
        options: &[(usize, Value)],
    ) {
        let code = self.codes.len() as i32;
        self.codes.push(Value::Table(vec![(0, Value::Byte(number.min(127) as u8)), (3, Value::Int(number))]));
        self.operators.push(Value::Table(vec![
            (0, Value::Int(code)),
            (1, Value::Ints(inputs.to_vec())),
            (2, Value::Ints(outputs.to_vec())),
            (4, Value::Table(options.to_vec())),
        ]));
    }

    pub(super) fn bytes(self, outputs: &[i32]) -> Vec<u8> {
        let graph = Value::Table(vec![
            (0, Value::Tables(self.tensors)),
            (1, Value::Ints(vec![0])),
            (2, Value::Ints(outputs.to_vec())),
            (3, Value::Tables(self.operators)),
        ]);
        let root = Value::Table(vec![
            (0, Value::Int(3)),
            (1, Value::Tables(self.codes)),
            (2, Value::Tables(vec![graph])),
            (4, Value::Tables(self.buffers)),
        ]);
        let mut file = vec![0, 0, 0, 0, b'T', b'F', b'L', b'3'];
        let at = root.append(&mut file) as u32;
        file[..4].copy_from_slice(&at.to_le_bytes());
        file
    }
}
