//! Prints the logits of every image by every network whose image comes in rows, `fed8: 12,-7,30`: once of
//! rows that come one by one, once of uneven numbers of them, once of all at once. The same of samples where
//! the network takes these. Where windows overlap, also of all windows of a signal. And the bytes of stack
//! that it takes at most: `stack fed8: 400`.
#![no_std]
#![no_main]

mod logits;
mod stack;

use cortex_m_rt::entry;
use semihosting::{println, process};

macro_rules! frames {
    ($($kind:ident $windows:ident $task:ident $model:ident)*) => {
        #[entry]
        // Each static becomes an argument of the real main function.
        #[allow(non_upper_case_globals, clippy::too_many_arguments)]
        fn main() -> ! {
            $(static mut $model: models::$model::Network = models::$model::Network::new();)*
            $({
                use models::$model::{INPUT_BYTES, INPUT_HEIGHT, INPUT_ROW_BYTES, RowsError};
                let name = stringify!($model);
                let images = include_bytes!(concat!(env!("MIXQ_MODELS"), "/", stringify!($model), ".images"));
                let mut used = 0;
                for image in images.as_chunks::<INPUT_BYTES>().0 {
                    let infer = |network: &mut models::$model::Network| {
                        let mut frame = network.begin();
                        for row in image.as_chunks::<INPUT_ROW_BYTES>().0 {
                            frame.push_rows(row).unwrap();
                        }
                        frame.finish().unwrap();
                    };
                    used = used.max(stack::used(infer, $model));
                    for numbers in NUMBERS {
                        let mut frame = $model.begin();
                        for rows in parts(image, INPUT_ROW_BYTES, numbers) {
                            frame.push_rows(rows).unwrap();
                        }
                        logits::print(name, frame.finish().unwrap());
                    }
                    answers!($task $model image);
                    // An image that is given up, and wrong pushes: the next one begins anew.
                    let mut frame = $model.begin();
                    frame.push_rows(&image[..3 * INPUT_ROW_BYTES]).unwrap();
                    let half = RowsError::Partial { elements: INPUT_ROW_BYTES / 2, row: INPUT_ROW_BYTES };
                    assert_eq!(frame.push_rows(&image[..INPUT_ROW_BYTES / 2]), Err(half));
                    let left = INPUT_HEIGHT - 3;
                    assert_eq!(frame.push_rows(image), Err(RowsError::TooMany { rows: INPUT_HEIGHT, left }));
                    let missing = RowsError::Missing { left, height: INPUT_HEIGHT };
                    assert_eq!(frame.finish().err(), Some(missing));
                }
                samples!($kind $model);
                windows!($windows $model images used);
                println!("stack {name}: {used}");
            })*
            process::exit(0)
        }
    };
}

/// What the task answers at the end of a frame is what it answers for the image.
macro_rules! answers {
    (classification $model:ident $image:ident) => {
        same!($model $image classify());
        same!($model $image probabilities());
        let mut frame = $model.begin();
        frame.push_rows($image).unwrap();
        assert_eq!(frame.top::<2>().unwrap(), $model.top::<2>($image));
    };
    (multi_label $model:ident $image:ident) => {
        same!($model $image labels());
        same!($model $image probabilities());
    };
    (regression $model:ident $image:ident) => {
        same!($model $image values());
        same!($model $image real_values());
    };
    (dense $model:ident $image:ident) => {
        same!($model $image mask());
        let mut frame = $model.begin();
        frame.push_rows($image).unwrap();
        let count = frame.objects().unwrap().count();
        assert_eq!(count, $model.objects($image).count());
    };
    (reconstruction $model:ident $image:ident) => {
        let _ = $model.is_abnormal($image);
    };
}

macro_rules! same {
    ($model:ident $image:ident $method:ident()) => {
        let mut frame = $model.begin();
        frame.push_rows($image).unwrap();
        let answer = frame.$method().unwrap().clone();
        assert_eq!(answer, $model.$method($image).clone());
    };
}

macro_rules! samples {
    (pixels $model:ident) => {};
    (samples $model:ident) => {
        use models::$model::{INPUT_CHANNELS, INPUT_ELEMENTS, INPUT_WIDTH};
        let mut samples = [0; INPUT_ELEMENTS];
        let mut state = 1u32;
        for sample in &mut samples {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Some of them beyond the codes.
            *sample = (state >> 27) as i16 - 8;
        }
        logits::print(stringify!($model), $model.infer_samples(&samples));
        for numbers in NUMBERS {
            let mut frame = $model.begin();
            assert!(frame.push_samples(&samples[1..]).is_err());
            for rows in parts(&samples, INPUT_WIDTH * INPUT_CHANNELS, numbers) {
                frame.push_samples(rows).unwrap();
            }
            logits::print(stringify!($model), frame.finish().unwrap());
        }
    };
}

/// All images as one signal: the logits of each window.
macro_rules! windows {
    (alone $model:ident $images:ident $used:ident) => {};
    (sliding $model:ident $images:ident $used:ident) => {
        use models::$model::INPUT_HOP;
        let mut signal = $model.begin();
        let mut rest = &$images[..];
        while rest.len() >= signal.left() * INPUT_ROW_BYTES {
            while signal.left() > 0 {
                let left = signal.left();
                assert_eq!(signal.slide(), Err(RowsError::Missing { left, height: INPUT_HEIGHT }));
                let (rows, others) = rest.split_at(left.min(3) * INPUT_ROW_BYTES);
                signal.push_rows(rows).unwrap();
                rest = others;
            }
            let class = signal.window().classify().unwrap();
            let logits = signal.window().finish().unwrap();
            assert_eq!(class, mixq_rt::format::argmax(logits));
            logits::print(stringify!($model), logits);
            signal.slide().unwrap();
            assert_eq!(signal.left(), INPUT_HOP);
        }
        let listen = |network: &mut models::$model::Network| {
            // All else is measured with single images: later windows push rows as the first one does.
            let mut signal = network.begin();
            let _ = signal.push_rows(&$images[..INPUT_BYTES]);
            let _ = signal.slide();
        };
        $used = $used.max(stack::used(listen, $model));
    };
}

/// Rows that come at a time, over and over.
const NUMBERS: [&[usize]; 3] = [&[1], &[1, 4, 0, 2, 7], &[usize::MAX]];

/// All rows of an image, of `row` elements each, in parts of these numbers of rows.
fn parts<'a, T>(image: &'a [T], row: usize, numbers: &'a [usize]) -> impl Iterator<Item = &'a [T]> {
    let mut rest = image;
    let parts = numbers.iter().cycle().map_while(move |rows| {
        let more = !rest.is_empty();
        let (part, others) = rest.split_at(rest.len().min(rows.saturating_mul(row)));
        rest = others;
        more.then_some(part)
    });
    parts
}

include!(concat!(env!("MIXQ_MODELS"), "/frames.rs"));
