//! The macro behind `mixq_rt::include_model!`; use it from there, with its documentation.

mod answers;
mod dense;
mod expand;
mod frame;
mod inputs;
mod memory;
mod models;
mod outputs;
mod parse;
mod samples;
mod tables;
mod target;
mod task;

use proc_macro::TokenStream;

/// Lays the trained network `models/<name>.mixq` into flash, as a module of that name.
///
/// `include_model!(digits)` makes `mod digits`; `include_model!(pub digits)` makes it public. The
/// build script has to run first (`mixq_build::build()`): it says where the models are.
///
/// | in the module | |
/// | --- | --- |
/// | `Network` | its RAM: `RAM_BYTES` bytes, `const fn new()` fit for a `static`; or borrowed, see below |
/// | `Network::infer(&image)` | copies an image in, runs the network, answers the logits |
/// | `Network::classify(&image)`, ... | the same, answers what the task is about: see below |
/// | `Network::input_mut()`, `run()` | for an image that is written in place: camera, DMA |
/// | `Network::begin()`, `Frame` | of an image that comes in rows, in place of the two above: see below |
/// | `CLASSES` (or `OUTPUTS`), `LABELS`, `LOGIT_SCALE` | what the logits mean |
/// | `OUTPUT_ZERO_POINT`, `Network::integers(&image)` | where the last layer writes codes: see below |
/// | `INPUT_HEIGHT`, `INPUT_WIDTH`, `INPUT_CHANNELS` | the shape of the image |
/// | `INPUT_BYTES` | bytes of the image, one for each element |
/// | `Inputs`, `Network::inputs_mut()` | of a network with several inputs: see below |
/// | `quantise_i16`, `Network::infer_samples` | of samples of sensors: makes their codes, as in training |
/// | `INPUT_SCALE`, `INPUT_ZERO_POINT`, `SAMPLE_UNIT` | what codes and samples of each channel are worth |
/// | `FLASH_BYTES`, `RAM_BYTES` | bytes of constants and of RAM in the linked image, exactly |
/// | `FLASH_BUDGET`, `RAM_BUDGET` | what they may be |
/// | `MACS` | multiply-accumulates for one image |
///
/// | task | beside `infer` |
/// | --- | --- |
/// | classification | `classify`: the index of the largest logit; `top::<K>`; `probabilities`, 255 for 1 |
/// | multi-label | `labels`: which ones the image has; `is_set(&logits, label)`; `probabilities` |
/// | regression | `values`: integers; `to_integer`: what to compare them with; `real_values` by feature |
/// | reconstruction | `score`: how far the image is from the one that is made of it; `is_abnormal` |
/// | dense | `mask`: the class of each pixel; `objects`: connected cells of a class, with their centres |
///
/// All this is computed with integers. Feature `float` of `mixq-rt` adds `real_values` of a regression
/// and `quantise_f32`.
///
/// A last layer with weights and without an activation writes logits: integers of 32 bits, of which one unit
/// is worth `LOGIT_SCALE`. Any other last layer writes codes of 8 bits: a code is worth `LOGIT_SCALE * (code
/// - OUTPUT_ZERO_POINT)`. Of a network with several outputs, `Network::outputs()` reads all by their names,
/// and the modules in `outputs` have their shapes and scales.
///
/// A network with several inputs has `Inputs` in place of the image, with a field for each input by its name,
/// and `InputsMut` with their places in the arena. The modules in `inputs` have the constants and functions
/// about each, such as `inputs::meta::BYTES`, `SCALE`, `ZERO_POINT` and `quantise_i16`:
///
/// ```ignore
/// let class = parts.classify(parts::Inputs { photo: &photo, meta: &meta });
/// // The same without copies:
/// let places = parts.inputs_mut();
/// camera.read_into(places.photo);
/// parts::inputs::meta::quantise_i16(&samples, places.meta);
/// let logits = parts.run();
/// ```
///
/// The module needs nothing but `mixq_rt`: no heap, no `std`, no `unsafe`.
///
/// # An image that comes in rows
///
/// With `execution = "rows"` of the model the arena holds only the rows of the image that are still needed.
/// `Network` has `begin` in place of `input_mut` and `run`. It answers a `Frame`, which borrows the network,
/// and takes rows as they come. `infer` and the methods of the task push all rows of an image. A frame has
/// the methods of the task, too, without the image; each of them ends it, as `finish` does. (Those of a
/// reconstruction need the whole image.)
///
/// ```ignore
/// let mut frame = faces.begin();
/// while let Some(rows) = camera.next_rows() {
///     frame.push_rows(rows)?;                // any number of rows, faces::INPUT_ROW_BYTES bytes each
/// }
/// let class = frame.classify()?;             // or finish()?, which answers the logits
/// ```
///
/// `push_rows` executes what the rows that have come are enough for. Half a row, rows beyond the image, and
/// an end before its last row are errors (`RowsError`): nothing is taken then. Where the input are samples of
/// sensors, `push_samples` takes rows of them.
///
/// With `hop` of the model the windows of a signal overlap: `slide` goes on to the next one, in which all but
/// the last `INPUT_HOP` rows are there, with what was computed of them.
///
/// ```ignore
/// let mut signal = words.begin();
/// loop {
///     // As many rows as there are, but no more than the window lacks.
///     signal.push_samples(microphone.take_rows(signal.left()))?;
///     if signal.left() == 0 {
///         let word = signal.window().classify()?;
///         signal.slide()?;
///     }
/// }
/// ```
///
/// # A shared arena
///
/// With `shared-arena = true` in `[package.metadata.mixq.device]` all models take turns in one arena, as
/// large as the largest of them needs. `Network<'a>` then borrows it: two networks that are alive at once on
/// one arena do not compile.
///
/// ```ignore
/// let mut arena = digits::Arena::new();      // of ARENA_BYTES bytes; `faces::Arena` is the same type
/// let class = digits::Network::new(&mut arena).classify(&image);
/// let face = faces::Network::new(&mut arena).classify(&other);
/// ```
#[proc_macro]
pub fn include_model(input: TokenStream) -> TokenStream {
    include(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

fn include(input: proc_macro2::TokenStream) -> syn::Result<proc_macro2::TokenStream> {
    let model = parse::model(input)?;
    let read = models::Models::from_env().and_then(|models| models.read(&model.file_stem()));
    let located = |message: String| syn::Error::new(model.name.span(), message);
    let artifact = read.map_err(located)?;
    let memory = memory::Memory::from_env(&model.file_stem()).map_err(located)?;
    let artifact = memory.place(&artifact).map_err(located)?;
    let target = target::from_env().map_err(located)?;
    Ok(expand::module(&model, &artifact, memory, target))
}
