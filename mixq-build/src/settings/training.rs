//! How a model is trained.

use serde::Serialize;

/// How a real value on an activation's grid becomes a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// To the nearest code.
    #[default]
    Nearest,
    /// Down, as in arXiv 1905.13082.
    Floor,
}

impl Rounding {
    /// All of them by their names.
    pub const CHOICES: [(&str, Rounding); 2] = [("nearest", Rounding::Nearest), ("floor", Rounding::Floor)];
}

/// How a step follows from a gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimiserKind {
    /// arXiv 1412.6980.
    #[default]
    Adam,
    /// With Nesterov's momentum, 0.9.
    Sgd,
}

impl OptimiserKind {
    /// All of them by their names.
    pub const CHOICES: [(&str, OptimiserKind); 2] =
        [("adam", OptimiserKind::Adam), ("sgd", OptimiserKind::Sgd)];
}

/// Where a training computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceChoice {
    /// On a GPU if libtorch has CUDA and there is one, else on the processor.
    #[default]
    Auto,
    /// On the processor.
    Cpu,
    /// On a GPU.
    Cuda,
}

impl DeviceChoice {
    /// All of them by their names.
    pub const CHOICES: [(&str, DeviceChoice); 3] =
        [("auto", DeviceChoice::Auto), ("cpu", DeviceChoice::Cpu), ("cuda", DeviceChoice::Cuda)];
}

/// Where the learned bounds of activations start, and those of weights quantised per layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bounds {
    /// Where quantisation loses least on training images.
    #[default]
    Data,
    /// Activations at 6, weights at the smallest and the largest, as in arXiv 1905.13082.
    Six,
}

impl Bounds {
    /// All of them by their names.
    pub const CHOICES: [(&str, Bounds); 2] = [("data", Bounds::Data), ("six", Bounds::Six)];
}

/// How much the classes or labels of images count in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Every image counts alike.
    #[default]
    None,
    /// Rare ones count more: each class as a whole weighs the same, and so do the images with a label and
    /// those without.
    Balanced,
}

impl ClassWeights {
    /// All of them by their names.
    pub const CHOICES: [(&str, ClassWeights); 2] =
        [("none", ClassWeights::None), ("balanced", ClassWeights::Balanced)];

    /// Whether it is the setting of a training that names none: artifacts made before there was another one
    /// stay fresh.
    pub fn is_default(&self) -> bool {
        *self == ClassWeights::default()
    }
}

/// What a regression takes for the size of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Its square: large errors count most.
    #[default]
    Squared,
    /// Its magnitude: targets that are far off, as wrong measurements are, count no more than others.
    Absolute,
}

impl Loss {
    /// All of them by their names.
    pub const CHOICES: [(&str, Loss); 2] = [("squared", Loss::Squared), ("absolute", Loss::Absolute)];

    /// Whether it is the setting of a training that names none: artifacts made before there was another one
    /// stay fresh.
    pub fn is_default(&self) -> bool {
        *self == Loss::default()
    }
}

/// What becomes of weights that a network brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// They are quantised as they are, with ranges from data.
    None,
    /// They are trained at their bits, towards the answers of the network that brought them.
    Finetune,
    /// They are left out: the network is trained from random ones.
    Scratch,
}

impl Method {
    /// All of them by their names.
    pub const CHOICES: [(&str, Method); 3] =
        [("none", Method::None), ("finetune", Method::Finetune), ("scratch", Method::Scratch)];
}

/// The grids of weights in QAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightSteps {
    /// Per channel from the smallest weight to the largest, per layer with learned bounds.
    #[default]
    Range,
    /// Their steps begin where weights lose least and are learned (LSQ, arXiv 1902.08153).
    Learned,
}

impl WeightSteps {
    /// All of them by their names.
    pub const CHOICES: [(&str, WeightSteps); 2] =
        [("range", WeightSteps::Range), ("learned", WeightSteps::Learned)];

    /// Whether it is the setting of a training that names none: artifacts made before there was another one
    /// stay fresh.
    pub fn is_default(&self) -> bool {
        *self == WeightSteps::default()
    }
}

/// Images that quantise where Cargo.toml does not say how many.
const CALIBRATION_IMAGES: u32 = 512;

/// Whether it is the number of a training that names none: artifacts made before it could be set stay fresh.
fn is_usual_calibration(images: &u32) -> bool {
    *images == CALIBRATION_IMAGES
}

/// Whether it is the number of a training that names none.
fn is_none(views: &u32) -> bool {
    *views == 0
}

/// Whether it is the share of a training that names none.
fn is_nothing(share: &f64) -> bool {
    *share == 0.0
}

/// Whether a batch is one part.
fn is_one(shards: &u32) -> bool {
    *shards == 1
}

/// Settings of the training: first with floats, then with fake quantisation (QAT).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Training {
    /// Epochs of the float training; `None`: as [`Training::epochs`] says.
    pub epochs: Option<u32>,
    /// Learning rate of the float training, over 0.
    pub learning_rate: f64,
    /// Epochs of QAT. 0: quantised as trained in float, with bounds from data (post-training quantisation).
    pub quantised_epochs: u32,
    /// Learning rate of QAT, over 0.
    pub quantised_learning_rate: f64,
    /// The optimiser of the float training; QAT has Adam.
    pub optimiser: OptimiserKind,
    /// Images in a batch, at least 1.
    pub batch: u32,
    /// Seed of everything that is drawn by chance.
    pub seed: u64,
    /// L2 penalty on weights in the float training, 0 or more.
    pub weight_decay: f64,
    /// L2 penalty on weights in QAT, 0 or more.
    pub quantised_weight_decay: f64,
    /// L2 penalty on the bounds of activations, 0 or more; 0.0001 in arXiv 1905.13082.
    pub activation_decay: f64,
    /// The most training images by which weights and ranges are quantised before QAT, at least 1.
    #[serde(skip_serializing_if = "is_usual_calibration")]
    pub calibration_images: u32,
    /// Share of the training images that only measures, over 0 and under 0.5.
    pub validation: f64,
    /// Largest random shift of a training image in each direction, in pixels.
    pub shift: u32,
    /// Largest random rotation of a training image either way, in degrees, 0 to 180.
    pub rotation: f64,
    /// Largest random change of a training image's size, as a share, 0 to under 1.
    pub zoom: f64,
    /// Whether training images are mirrored left to right at random.
    pub flip: bool,
    /// Share of each label that is spread over all classes, 0 to under 1 (arXiv 1512.00567).
    pub label_smoothing: f64,
    /// Share of the running average of all parameters that each step keeps, 0 to under 1; the average is what
    /// is evaluated and kept. 0: no averaging.
    pub average: f64,
    /// Share of the QAT epochs after which batch norm freezes, 0 to 1.
    pub freeze_batch_norm: f64,
    /// By how many training images batch norm is measured anew after each epoch of QAT, for what is evaluated
    /// and kept. 0: its statistics are running averages.
    #[serde(skip_serializing_if = "is_none")]
    pub batch_norm_images: u32,
    /// The grids of weights in QAT.
    #[serde(skip_serializing_if = "WeightSteps::is_default")]
    pub weight_steps: WeightSteps,
    /// Weights whose codes turn back in more than this share of the steps are frozen at the end of QAT, 0 to
    /// under 1 (arXiv 2203.11086). 0: none are.
    #[serde(skip_serializing_if = "is_nothing")]
    pub freeze_oscillations: f64,
    /// How activations are rounded, in training and on the device.
    pub rounding: Rounding,
    /// Where the bounds of activations start, and those of weights quantised per layer.
    pub bounds: Bounds,
    /// Whether the channels of an output get ranges of one size, where what reads them can undo that; `None`:
    /// where the network brings weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equalise: Option<bool>,
    /// By how many views of each calibration image weights also make up for what the layers before them have
    /// lost, where they are quantised layer after layer. All but the first view are varied. 0: they do not.
    #[serde(skip_serializing_if = "is_none")]
    pub reconstruct: u32,
    /// Into how many parts each batch is divided, at least 1, where it has as many images. Batch norm has the
    /// statistics of a part. Processes that train together share the parts.
    #[serde(skip_serializing_if = "is_one")]
    pub shards: u32,
    /// Share of QAT's loss that is the distance from the float network's answers instead of the labels, 0 to
    /// 1 (distillation, arXiv 1503.02531).
    pub distillation: f64,
    /// By how much these answers are softened, over 0.
    pub temperature: f64,
    /// Where it computes.
    pub device: DeviceChoice,
    /// How much classes or labels count.
    #[serde(skip_serializing_if = "ClassWeights::is_default")]
    pub class_weights: ClassWeights,
    /// The loss of a regression.
    #[serde(skip_serializing_if = "Loss::is_default")]
    pub loss: Loss,
    /// Whether weights that the network brings are left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub from_scratch: bool,
}

impl Default for Training {
    fn default() -> Training {
        Training {
            epochs: None,
            optimiser: OptimiserKind::Adam,
            learning_rate: 0.002,
            quantised_epochs: 40,
            quantised_learning_rate: 0.0005,
            batch: 64,
            seed: 1,
            weight_decay: 0.0001,
            quantised_weight_decay: 0.0,
            activation_decay: 0.0001,
            calibration_images: CALIBRATION_IMAGES,
            validation: 0.15,
            shift: 1,
            rotation: 0.0,
            zoom: 0.0,
            flip: false,
            label_smoothing: 0.0,
            average: 0.0,
            freeze_batch_norm: 0.5,
            batch_norm_images: 0,
            weight_steps: WeightSteps::Range,
            freeze_oscillations: 0.0,
            rounding: Rounding::Nearest,
            bounds: Bounds::Data,
            equalise: None,
            reconstruct: 0,
            shards: 1,
            distillation: 0.5,
            temperature: 2.0,
            device: DeviceChoice::Auto,
            class_weights: ClassWeights::None,
            loss: Loss::Squared,
            from_scratch: false,
        }
    }
}

impl Training {
    /// Epochs of the float training. Unless Cargo.toml sets them: none for a network that comes with weights,
    /// which are taken as they are, else 60.
    pub fn epochs(&self, with_weights: bool) -> u32 {
        self.epochs.unwrap_or(if with_weights { 0 } else { 60 })
    }

    /// Whether weights are quantised layer after layer by images: where nothing trains them at their bits,
    /// and where they come trained and begin so.
    pub fn quantises_layers(&self, with_weights: bool) -> bool {
        let is_brought = with_weights && self.epochs(true) == 0;
        (self.quantised_epochs == 0 || is_brought) && self.bounds == Bounds::Data
    }

    /// Whether nothing is learned from targets: the float network is taken as it is, and what is learned at
    /// the network's bits are its answers.
    pub fn needs_no_targets(&self) -> bool {
        self.epochs == Some(0) && (self.quantised_epochs == 0 || self.distillation == 1.0)
    }

    /// Sets all that a method says.
    pub fn follow(&mut self, method: Method) {
        match method {
            Method::None => (self.epochs, self.quantised_epochs) = (Some(0), 0),
            Method::Finetune => (self.epochs, self.distillation) = (Some(0), 1.0),
            Method::Scratch => self.from_scratch = true,
        }
    }
}
