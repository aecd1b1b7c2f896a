//! The README's tour, command by command, as it stands there.

use std::{fs, path::Path};

use snapbox::{Data, assert_data_eq};

use crate::scratch::{DBX, Ran, Scratch, repository};

/// A command of the tour with what it shows.
struct Scene {
    command: String,
    code: i32,
    shown: String,
}

#[test]
fn the_tour_shows_what_it_says() {
    let scratch = Scratch::new();
    let bin = Path::new(DBX).parent().unwrap();
    let target = bin.parent().unwrap().display().to_string();
    for scene in scenes(&fs::read_to_string(repository().join("README.md")).unwrap()) {
        // Whoever reads it builds into `target`; the tests may build elsewhere.
        let command = scene.command.replace("target/plugins", &format!("{target}/plugins"));
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let ran = Ran::of(scratch.command("sh").args(["-c", &command]).current_dir(repository()).env("PATH", path));
        eprintln!("$ {command}\n{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, scene.code, "{command}: {ran:?}");
        let noise = command.starts_with("dbx plugin build");
        let shown = if noise { ran.stdout } else { ran.stdout + &ran.stderr };
        assert_data_eq!(shown, Data::from(scene.shown));
    }
}

/// What stands in the blocks marked `console`: a command after `$`, an exit code after `?`, and what is shown.
fn scenes(readme: &str) -> Vec<Scene> {
    let mut scenes: Vec<Scene> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if !inside {
        } else if let Some(command) = line.strip_prefix("$ ") {
            scenes.push(Scene { command: command.to_owned(), code: 0, shown: String::new() });
        } else if let Some(scene) = scenes.last_mut() {
            match line.strip_prefix("? ") {
                Some(code) => scene.code = code.parse().unwrap(),
                None => scene.shown.extend([line, "\n"]),
            }
        }
    }
    assert!(scenes.len() > 15, "the tour is gone");
    scenes
}
