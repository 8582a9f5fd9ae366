//! CTC losses of many short items, which are read whole, some by each thread.

use assert_cmd::Command;
use ctctool::logits::InputKind;
use ctctool::loss::ctc::{CtcLabels, ctc_loss};
use serde_json::Value;

use crate::support::{Folder, SplitMix, close, ctctool, json, npy_bytes, npy_f64, warnings};

const ITEMS: usize = 300;
const FRAMES: usize = 9;
const CLASSES: usize = 40;

/// Logits, `[items, frames, classes]`, lengths and labels.
struct Batch {
    logits: Vec<f64>,
    lengths: Vec<usize>,
    labels: Vec<Vec<u32>>,
}

impl Batch {
    /// Of items of all lengths, among which there are runs of full ones.
    fn new() -> Self {
        let mut random = SplitMix(11);
        let logits = (0..ITEMS * FRAMES * CLASSES).map(|_| random.score()).collect();
        let length = |item: usize| if item % 100 < 60 { FRAMES } else { item % (FRAMES + 1) };
        let labels = (0..ITEMS).map(|item| {
            let count = item % 6;
            (0..count).map(|_| 1 + random.below(CLASSES - 1) as u32).collect()
        });
        Self { logits, labels: labels.collect(), lengths: (0..ITEMS).map(length).collect() }
    }

    fn time_major(&self) -> Vec<f64> {
        let row = |item: usize, frame: usize| &self.logits[(item * FRAMES + frame) * CLASSES..][..CLASSES];
        (0..FRAMES).flat_map(|frame| (0..ITEMS).flat_map(move |item| row(item, frame).to_vec())).collect()
    }

    /// As files of single and double precision in both orders.
    fn write(&self) -> Folder {
        let folder = Folder::new();
        for (name, shape, values) in [
            ("ntc", [ITEMS, FRAMES, CLASSES], self.logits.clone()),
            ("tnc", [FRAMES, ITEMS, CLASSES], self.time_major()),
        ] {
            let big_endian: Vec<u8> = values.iter().flat_map(|&x| (x as f32).to_be_bytes()).collect();
            folder.file(&format!("{name}32.npy"), npy_bytes(">f4", false, &shape, &big_endian));
            folder.file(&format!("{name}64.npy"), npy_f64(&shape, &values));
        }
        let words = |labels: &Vec<u32>| labels.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        folder.file("y.txt", self.labels.iter().map(words).collect::<Vec<_>>().join("\n") + "\n");
        folder.file("lengths.txt", self.lengths.iter().map(usize::to_string).collect::<Vec<_>>().join("\n"));
        folder
    }
}

fn command(folder: &Folder, file: &str, layout: &str) -> Command {
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", file, "--layout", layout, "--labels", "y.txt"]);
    command.args(["--criterion", "ctc"]);
    command
}

#[test]
fn short_items_have_the_losses_of_the_items_alone() {
    let batch = Batch::new();
    let folder = batch.write();
    for lengths in [&vec![FRAMES; ITEMS], &batch.lengths] {
        let expected: Vec<f64> = (0..ITEMS)
            .map(|item| {
                let values = &batch.logits[item * FRAMES * CLASSES..][..lengths[item] * CLASSES];
                let labels = CtcLabels::new(&batch.labels[item], CLASSES, 0).unwrap();
                ctc_loss(values, InputKind::Logits, &labels).unwrap()
            })
            .collect();
        for (layout, precision) in [("ntc", "32"), ("tnc", "32"), ("ntc", "64"), ("tnc", "64")] {
            let file = format!("{layout}{precision}.npy");
            let run = |threads: &str, piped: bool| -> Value {
                let mut command = command(&folder, if piped { "-" } else { &file }, layout);
                if piped {
                    command.pipe_stdin(folder.path().join(&file)).unwrap();
                }
                if *lengths == batch.lengths {
                    command.args(["--lengths", "lengths.txt"]);
                }
                json(command.args(["--items", "--threads", threads]))
            };
            let result = run("1", false);
            for (item, &expected) in expected.iter().enumerate() {
                let found = &result["items"][item]["loss_nats"];
                assert!(close(found, expected, 1e-14, 0.0), "{file}, item {item}: {found} for {expected}");
            }
            assert_eq!(run("3", false), result, "{file}, 3 threads");
            let piped = run("2", true);
            for item in 0..ITEMS {
                let (found, file) = (&piped["items"][item], &result["items"][item]);
                assert!(close(
                    &found["loss_nats"],
                    file["loss_nats"].as_f64().unwrap_or(f64::NAN),
                    1e-14,
                    0.0
                ));
                assert_eq!(found["status"], file["status"]);
            }
            assert_eq!(warnings(&piped), warnings(&result));
        }
    }
}

/// Wherever a NaN is, it is named by its item and frame; where no frame is in use, it is nothing.
#[test]
fn what_is_wrong_in_a_short_item_is_told_by_its_place() {
    let mut batch = Batch::new();
    let (item, frame, class) = (261, 0, 7);
    assert_eq!(batch.lengths[item], 1);
    batch.logits[(item * FRAMES + frame + 1) * CLASSES + class] = f64::NAN;
    let folder = batch.write();
    for layout in ["ntc", "tnc"] {
        let file = format!("{layout}64.npy");
        let lengths = ["--lengths", "lengths.txt"];
        command(&folder, &file, layout).args(lengths).assert().success();
        let all = command(&folder, &file, layout).assert().code(2);
        let message = String::from_utf8(all.get_output().stderr.clone()).unwrap();
        assert!(message.contains("item 261, frame 1, class 7"), "{message}");
        let all = json(command(&folder, &file, layout).args(["--nonfinite", "propagate", "--items"]));
        let nan = |item: &Value| item["status"] == "nan";
        let found: Vec<usize> = all["items"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
            .filter(|(_, item)| nan(item))
            .map(|(i, _)| i)
            .collect();
        assert_eq!(found, [item]);
    }
}
