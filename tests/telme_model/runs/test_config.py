"""Settings: read, written and changed without loss, and refused with a sentence that names the setting."""

import dataclasses
import shutil
import tomllib
from pathlib import Path

import pytest
import torch

from telme_model.corpus.dialogue import Modality
from telme_model.media.decoding import FrameSampling, MediaSettings, OverLong
from telme_model.networks.devices import autocast_type, choose_device, leave_a_core
from telme_model.runs.config import (
    SETTINGS,
    AttentionScope,
    Config,
    ConfigError,
    FusionConfig,
    FusionKind,
    Precision,
    StageConfig,
    Stages,
    TextConfig,
    VisualConfig,
    from_dict,
    read_config,
    to_dict,
    to_toml,
)
from telme_model.runs.folder import RunFolder
from telme_model.runs.plan import flat
from telme_model.runs.presets import PRESETS, preset

OLD = Path(__file__).parents[2] / "support" / "old" / "run"

# --- presets


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_toml(name: str, tmp_path: Path) -> None:
    config = preset(name)
    path = tmp_path / "config.toml"
    path.write_text(to_toml(config), encoding="utf-8")
    assert read_config(path) == config
    assert config.preset == name
    assert config.with_settings([]) == config


def test_there_is_no_other_preset() -> None:
    with pytest.raises(ConfigError, match=r"no preset 'papr'; there are paper-meld, .*, toy"):
        preset("papr")


def test_paper_presets_have_the_papers_numbers() -> None:
    meld, iemocap = preset("paper-meld"), preset("paper-iemocap")
    assert meld == Config()
    assert [(c.distillation.alpha, c.distillation.beta) for c in (meld, iemocap)] == [(1, 1), (0.1, 1)]
    assert [(c.distillation.tau_response, c.distillation.tau_feature) for c in (meld, iemocap)] == [(4, 1), (2, 1)]
    assert [(c.fusion.theta, c.fusion.dropout, c.fusion.heads) for c in (meld, iemocap)] == [
        (0.1, 0.2, 3),
        (0.01, 0.1, 4),
    ]
    for config in (meld, iemocap):
        stage = config.stages.teacher
        assert (stage.learning_rate, stage.batch, stage.epochs, stage.clip) == (1e-5, 4, 10, 10.0)
        assert (config.dim, config.text.weights) == (768, "roberta-large")


# Where the released code differs from the paper, switch by switch (table "Two profiles" of the method): there and here.
SWITCHES: dict[str, tuple[object, object]] = {
    "text.speakers": ("dialogue", "carried"),
    "text.layout": ("paper", "official"),
    "text.repaired": (True, False),
    "audio.sample_rate": (16_000, 22_050),
    "audio.padding": ("masked", "left"),
    "audio.mask_frames": (0, 3),
    "visual.sampling": ("even", "counted"),
    "visual.channels": ("rgb", "bgr"),
    "visual.normalisation": ("timesformer", "imagenet"),
    "over_long": ("cap", "zero"),
    "evaluation_batch": (16, 4),
    "evaluation_order": ("length", "table"),
    "evaluation_precision": ("stage", "fp32"),
    "distillation.teacher_precision": ("stage", "fp16"),
    "fusion.attention": ("turn", "batch"),
    "fusion.normalised": (False, True),
    "stages.teacher.learning_rate": (1e-5, 1e-6),
    "stages.teacher.schedule": ("steps", "samples"),
    "stages.teacher.batches": ("length", "random"),
    "stages.teacher.precision": ("auto", "fp32"),
    **{
        f"stages.{stage}.{key}": values
        for stage in ("text", "audio", "visual", "fusion")
        for key, values in {
            "schedule": ("steps", "samples"),
            "batches": ("length", "random"),
            "clip_scaled": (False, True),
            "precision": ("auto", "fp16"),
        }.items()
    },
}
OF_IEMOCAP: dict[str, tuple[object, object]] = {
    "text.speakers": ("dialogue", "turn"),
    "over_long": ("cap", "whole"),
    "visual.margin": (0.0, 1.0),
    "fusion.theta": (0.01, 0.2),
    "fusion.dropout": (0.1, 0.2),
    "fusion.swapped": (False, True),
    "stages.fusion.epochs": (10, 8),
}


@pytest.mark.parametrize(("corpus", "own"), [("meld", {}), ("iemocap", OF_IEMOCAP)])
def test_the_official_profile_sets_every_switch_and_nothing_else(
    corpus: str, own: dict[str, tuple[object, object]]
) -> None:
    paper, official = (flat(to_dict(preset(f"{profile}-{corpus}"))) for profile in ("paper", "official"))
    expected = SWITCHES | own
    if corpus == "iemocap":
        del expected["stages.teacher.learning_rate"]  # its teacher's is the paper's
    found = {key: (paper[key], official[key]) for key in paper if key != "preset" and paper[key] != official[key]}
    assert found == expected


@pytest.mark.parametrize("name", ["paper-iemocap", "compact", "demo", "toy"])
def test_no_other_preset_sets_a_switch_of_the_released_code(name: str) -> None:
    values, paper = flat(to_dict(preset(name))), flat(to_dict(Config()))
    free = {
        "evaluation_batch",
        "stages.teacher.learning_rate",
        "fusion.theta",
        "fusion.dropout",
        "stages.fusion.epochs",
    }
    assert {key: values[key] for key in (SWITCHES | OF_IEMOCAP).keys() - free} == {
        key: paper[key] for key in (SWITCHES | OF_IEMOCAP).keys() - free
    }


# --- changing settings


@pytest.mark.parametrize(
    ("setting", "changed"),
    [
        ("fusion.theta=0.2", Config(fusion=FusionConfig(theta=0.2))),
        ("fusion.theta = 1", Config(fusion=FusionConfig(theta=1.0))),
        ("fusion.kind=product", Config(fusion=FusionConfig(kind=FusionKind.PRODUCT))),
        ("stages.audio.epochs=3", Config(stages=Stages(audio=StageConfig(epochs=3)))),
        ("stages.audio.learning_rate=3e-5", Config(stages=Stages(audio=StageConfig(learning_rate=3e-5)))),
        ("text.weights=a/b=c", Config(text=TextConfig(weights="a/b=c"))),
        ("text.prompt=false", Config(text=TextConfig(prompt=False))),
        ("over_long=blank", Config(over_long=OverLong.BLANK)),
        ("students=audio", Config(students=(Modality.AUDIO,))),
        ('students=["visual", "audio"]', Config(students=(Modality.VISUAL, Modality.AUDIO))),
        ("students=", Config(students=())),
        ("device=cuda:1", Config(device="cuda:1")),
    ],
)
def test_set(setting: str, changed: Config) -> None:
    found = Config().with_settings([setting])
    assert found == changed
    assert from_dict(tomllib.loads(to_toml(found))) == found


def test_later_settings_see_earlier_ones() -> None:
    """Two settings that are refused one by one work together: only the result is checked."""
    found = Config().with_settings(["teacher=audio", "students=[text, visual]", "fusion.theta=3", "fusion.theta=2.5"])
    assert (found.teacher, found.students) == (Modality.AUDIO, (Modality.TEXT, Modality.VISUAL))
    assert found.fusion.theta == 2.5
    assert found.modalities == tuple(Modality)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("fusion.theta", r"'fusion.theta' is not of the form key=value"),
        ("fusion.thta=1", r"there is no setting 'fusion.thta'"),
        ("fuson.theta=1", r"there is no setting 'fuson.theta'"),
        ("fusion.theta.x=1", r"there is no setting 'fusion.theta.x'"),
        ("fusion=1", r"there is no setting 'fusion'"),
        ("fusion.theta=much", r"fusion.theta cannot be 'much'; it is 0.1 now"),
        ("fusion.theta=true", r"fusion.theta is True; it has to be a number"),
        ("fusion.theta=-1", r"fusion.theta is -1.0; it has to be at least 0"),
        ("fusion.theta=nan", r"fusion.theta is nan; it has to be at least 0"),
        ("fusion.heads=0", r"fusion.heads is 0; it has to be above 0"),
        ("fusion.heads=7", r"fusion.heads is 7, which does not divide the attention's width of 1536"),
        ("fusion.dropout=1", r"fusion.dropout is 1.0; .* below 1"),
        ("fusion.attention=everything", r"fusion.attention is 'everything'; .*turn, batch, modalities, dialogue"),
        ("fusion.kind=sum", r"fusion.kind is 'sum'; it has to be one of asf, "),
        ("distillation.alpha=-0.1", r"distillation.alpha is -0.1"),
        ("distillation.beta=nan", r"distillation.beta is nan"),
        ("distillation.tau_response=0", r"distillation.tau_response is 0.0; it has to be above 0"),
        ("distillation.tau_feature=-1", r"distillation.tau_feature is -1.0"),
        ("text.max_tokens=15", r"text.max_tokens is 15; it has to be at least 16"),
        ("text.speaker_tokens=0", r"text.speaker_tokens is 0"),
        ("text.context_turns=-1", r"text.context_turns is -1; it has to be at least 0"),
        ("text.prompt=1", r"text.prompt is 1; it has to be true or false"),
        ("text.layout=mine", r"text.layout is 'mine'; it has to be one of paper, official"),
        ("audio.sample_rate=0", r"audio.sample_rate is 0"),
        ("audio.sample_rate=16e3", r"audio.sample_rate is 16000.0; it has to be a whole number"),
        ("audio.max_seconds=inf", r"audio.max_seconds is inf"),
        ("visual.frames=0", r"visual.frames is 0"),
        ("visual.size=-224", r"visual.size is -224"),
        ("stages.teacher.epochs=0", r"stages.teacher.epochs is 0"),
        ("stages.text.batch=0", r"stages.text.batch is 0"),
        ("stages.audio.learning_rate=inf", r"stages.audio.learning_rate is inf"),
        ("stages.visual.warmup=1.5", r"stages.visual.warmup is 1.5"),
        ("stages.fusion.clip=0", r"stages.fusion.clip is 0.0"),
        ("stages.fusion.accumulate=0", r"stages.fusion.accumulate is 0"),
        ("stages.fusion.patience=-1", r"stages.fusion.patience is -1"),
        ("stages.fusion.weight_decay=-1", r"stages.fusion.weight_decay is -1.0"),
        ("dim=0", r"dim is 0"),
        ("dim=yes", r"dim cannot be 'yes'; it is 768 now"),
        ("seed=-1", r"seed is -1; it has to be at least 0"),
        ("evaluation_batch=0", r"evaluation_batch is 0"),
        ("background_turns=0", r"background_turns is 0"),
        ("checkpoint_steps=0", r"checkpoint_steps is 0"),
        ("device=gpu", r"device is 'gpu'; it has to be auto, cpu, cuda, cuda:N or mps"),
        ("device=cuda:first", r"device is 'cuda:first'"),
        ("teacher=smell", r"teacher is 'smell'; it has to be one of text, audio, visual"),
        ("teacher=audio", r"students names audio, which is the teacher and cannot be its own student"),
        ("students=audio,audio", r"students names a modality twice"),
        ("students=smell", r"students is 'smell'; it has to be one of"),
    ],
)
def test_bad_settings_are_named(setting: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Config().with_settings([setting])


# --- files


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("dim = ", "is not valid TOML"),
        ("[fusion]\nhaeds = 3", "no setting 'fusion.haeds'; known here: kind, theta, heads"),
        ("fusion = 3", "fusion has to be a table of settings, not 3"),
        ("[stages.audio]\nepochs = 0", "stages.audio.epochs is 0"),
        ("students = 'audio'", "students has to be a list, not 'audio'"),
        ("dim = '768'", "dim is '768'; it has to be a whole number"),
        ("[text]\nweights = 3", "text.weights is 3; it has to be text in quotes"),
        ("[fusion]\nkind = 3", "fusion.kind is 3; it has to be one of"),
    ],
)
def test_a_bad_file_is_named(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=sentence) as caught:
        read_config(path)
    assert str(path) in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml cannot be read: No such file"):
        read_config(tmp_path / "nothing.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"binary\.toml is not a text file in UTF-8"):
        read_config(tmp_path / "binary.toml")


def test_absent_settings_take_their_defaults() -> None:
    assert from_dict({}) == Config()
    assert from_dict({"fusion": {"theta": 1}}) == Config(fusion=FusionConfig(theta=1.0))


def test_a_tree_holds_plain_values_only() -> None:
    def plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(map(plain, value.values()))
        return all(map(plain, value)) if isinstance(value, list) else type(value) in (str, int, float, bool)

    assert plain(to_dict(Config()))


def test_a_run_of_a_version_before_is_read_and_written_as_it_is(tmp_path: Path) -> None:
    config = read_config(OLD / "config.toml")
    old, now = flat(tomllib.loads((OLD / "config.toml").read_text(encoding="utf-8"))), flat(to_dict(config))
    assert {key: now[key] for key in old} == old
    later = now.keys() - old.keys()  # settings that came after it, which say what was done before there was a choice
    assert {key: now[key] for key in later} == {key: flat(to_dict(Config()))[key] for key in later}
    assert (config.preset, config.dim, config.seed, config.students) == ("toy", 8, 3, ("audio", "visual"))
    run = tmp_path / "run"
    shutil.copytree(OLD, run)
    folder = RunFolder.open(run)
    assert folder.config == config
    folder.update()
    assert (run / "run.json").read_bytes() == (OLD / "run.json").read_bytes()


# --- what is told of them


def test_every_setting_is_described() -> None:
    assert list(SETTINGS) == list(flat(to_dict(Config())))
    allowed = {
        "text.weights": "name a folder, or an encoder on the hub",
        "text.max_tokens": "be a whole number of at least 16 (tokens)",
        "stages.audio.warmup": "be a number of at least 0 and below 1",
        "seed": "be a whole number of at least 0 and below 2^63",
        "students": "be a list of text, audio, visual",
        "fusion.normalised": "be true or false",
        "over_long": "be one of cap, zero, blank, whole",
    }
    assert {path: SETTINGS[path].allowed for path in allowed} == allowed


@pytest.mark.parametrize(
    ("key", "text"),
    [("fusion.heads", "7"), ("students", "audio,audio"), ("seed", "-1"), ("dim", "x"), ("text.no", "1")],
)
def test_an_error_names_its_setting(key: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config().with_settings([f"{key}={text}"])
    assert caught.value.key == (key if key in SETTINGS else "")


def test_a_changed_copy_is_checked() -> None:
    with pytest.raises(ConfigError, match="seed is -1; it has to be at least 0 and below 2"):
        dataclasses.replace(Config(), seed=-1)
    with pytest.raises(ConfigError, match="max_tokens is 3; it has to be at least 16"):
        dataclasses.replace(Config().text, max_tokens=3)


# --- what follows from the settings


def test_derived_settings() -> None:
    stages = Stages(**{field.name: StageConfig(epochs=i + 1) for i, field in enumerate(dataclasses.fields(Stages))})
    config = Config(stages=stages, students=(Modality.AUDIO,), visual=VisualConfig(frames=4, size=64))
    assert config.modalities == (Modality.TEXT, Modality.AUDIO)
    assert config.stage(Modality.TEXT) is stages.teacher
    assert config.stage(Modality.VISUAL) is stages.visual
    led = dataclasses.replace(config, teacher=Modality.VISUAL, students=(Modality.TEXT,))
    assert led.stage(Modality.VISUAL) is stages.teacher
    assert led.stage(Modality.TEXT) is stages.text
    assert config.media == MediaSettings(frames=4, size=64)
    official = preset("official-meld").media
    assert (official.sampling, official.sample_rate, official.over_long) == (
        FrameSampling.COUNTED,
        22_050,
        OverLong.ZERO,
    )


def test_heads_have_to_divide_the_width_of_the_scope() -> None:
    """Ten heads divide two vectors of 5 together, but not one of them."""
    both = Config(dim=5, fusion=FusionConfig(heads=10))
    assert both.fusion.heads == 10
    with pytest.raises(ConfigError, match="width of 5"):
        Config(dim=5, fusion=FusionConfig(heads=10), students=(Modality.AUDIO,))
    with pytest.raises(ConfigError, match="width of 5"):
        Config(dim=5, fusion=FusionConfig(heads=10, attention=AttentionScope.MODALITIES))
    assert Config(dim=5, fusion=FusionConfig(heads=7, kind=FusionKind.CONCATENATION)).dim == 5


# --- devices


def test_precision_by_device() -> None:
    import torch

    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert autocast_type(Precision.AUTO, cpu) is None
    assert autocast_type(Precision.FP16, cpu) is None
    assert autocast_type(Precision.BF16, cpu) is torch.bfloat16
    assert autocast_type(Precision.FP16, gpu) is torch.float16
    assert autocast_type(Precision.FP32, gpu) is None


def test_devices_that_are_not_here() -> None:
    assert choose_device("cpu").type == "cpu"
    with pytest.raises(ConfigError, match=r"device cuda:99 is not here: PyTorch can use \d+ CUDA GPUs; use cpu"):
        choose_device("cuda:99")


def test_computing_on_a_cpu_leaves_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    try:
        leave_a_core(torch.device("cpu"))
        assert torch.get_num_threads() == before, "OMP_NUM_THREADS is set in tests and has the last word"
        monkeypatch.delenv("OMP_NUM_THREADS")
        leave_a_core(torch.device("cpu"))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
