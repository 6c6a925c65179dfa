"""Prompts read: steps in time, seconds, counts, and what is said of words that are not known."""

from __future__ import annotations

import re

import pytest

from core.settings import MAX_PROMPT
from core.words import known
from core.words.grammar import STILL, base, stem, third
from core.words.languages import translate
from core.words.reading import read

AS_TYPED = """
a person walks forward
a person runs forward
a person jumps up and down
a person kicks with the right leg
a person waves with the right hand
a person sits down
a person dances
a person turns left
a person walks backwards
a person punches with both fists
a person balances on one leg
walk
a person raises both hands and claps
a person sits and claps their hands
a person walks forward, swinging the arms
while dribbling a ball, a person turns around
a person does warm up exercises: jumping jacks, side twists and stretches
a person walked slowly in a circle
A Person  Walks
two person-like steps?
""".strip().splitlines()


@pytest.mark.parametrize("text", AS_TYPED)
def test_what_is_known_stays_as_it_was_typed(text):
    (step,), notes = read(text).steps, read(text).notes
    assert (step.text, step.seconds, step.count) == (" ".join(text.split()), None, None)
    assert notes == ()


STEPS = {
    "a person walks then sits": ["a person walks", "a person sits"],
    "walk, then sit down": ["a person walks", "a person sits down"],
    "Walk. Jump. Sit.": ["a person walks", "a person jumps", "a person sits"],
    "a man runs and then waves": ["a man runs", "a man waves"],
    "he runs, jumps and lies down": ["a person runs", "a person jumps", "a person lies down"],
    "a person walks and sits down": ["a person walks", "a person sits down"],
    "a person stands up and walks": ["a person stands up", "a person walks"],
    "a person walks forward then backwards": ["a person walks forward", "a person walks backwards"],
    "a person runs before turning around": ["a person runs", "a person turns around"],
    "a person hops followed by a jump": ["a person hops", "a person jumps"],
    "first walk, then finally stop": ["a person walks", STILL],
    "a person spins. they then wave": ["a person spins", "a person waves"],
    "walks for 3 seconds, then turns left and waves": [
        ("a person walks", 3.0, None),
        "a person turns left and waves",
    ],
    "a person runs for two seconds": [("a person runs", 2.0, None)],
    "a person walks for 1.5 s and jumps": [("a person walks", 1.5, None), "a person jumps"],
    "a person stands for half a minute": [("a person stands", 30.0, None)],
    "a person jumps once": [("a person jumps once", None, 1)],
    "a person takes two steps": [("a person takes two steps", None, 2)],
    "a person waves three times": [("a person waves three times", None, 3)],
    "a person kicks twice and waves": [("a person kicks twice", None, 2), "a person waves"],
    "a person climbs three steps": ["a person climbs three steps"],
    "a person does two cartwheels": [("a person does two cartwheels", None, 2)],
}


@pytest.mark.parametrize("text", STEPS)
def test_steps_in_time(text):
    wanted = [step if isinstance(step, tuple) else (step, None, None) for step in STEPS[text]]
    assert [(s.text, s.seconds, s.count) for s in read(text).steps] == wanted
    assert read(text).notes == ()


SAID = {
    # words that nobody captioned
    "a person dances tango": ("a person dances salsa", "'tango' is shown as 'salsa', the nearest"),
    "a person waltzes": ("a person dances salsa", "'waltzes' is shown as"),
    "a person does the moonwalk": ("a person walks", "'moonwalk' is shown as 'walks'"),
    "a person is limping": ("a person walks", "'limping' is shown as 'walks'"),
    "a person walks through the forest": ("a person walks through the forest", "'forest' is in no"),
    "a person walks happily": ("a person walks happily", "'happily' is in no motion known"),
    "a person plays the tuba": (STILL, "No motion near 'plays the tuba' is known"),
    "a person is dancing elegantly with a hat": (
        "a person is dancing elegantly with a hat",
        "'hat' is in no motion known",
    ),
    # slips of the finger
    "a person wlaks forward": ("a person walks forward", "'wlaks' is read as 'walks'"),
    "a person jumsp": ("a person jumps", "'jumsp' is read as 'jumps'"),
    "a person walks fordward": ("a person walks forward", "'fordward' is read as 'forward'"),
    # others than one person
    "a dog runs": ("a person runs", "in the place of 'a dog'"),
    "a horse gallops": ("a person runs", "'gallops' is shown as 'runs'"),
    "dogs run": ("a person runs", "in the place of 'dogs'"),
    "two people dance": ("two people dance", "Only one person is shown"),
    # no motion at all
    "asdf qwer": (STILL, "'asdf qwer' is not understood"),
    "12345": (STILL, "is not understood"),
    "a keyboard": (STILL, "No motion near 'a keyboard' is known"),
    "blue": (STILL, "No motion near 'blue' is known"),
    "lorem ipsum dolor sit amet": (STILL, "is not understood"),
    # other languages
    "eine Person geht vorwärts": ("a person walks forward", "from German as 'a person walks f"),
    "Eine Person springt zweimal": ("a person jumps twice", "Read from German"),
    "un homme marche lentement": ("a person walks slowly", "Read from French"),
    "una persona corre hacia atrás": ("a person runs backward", "Read from Spanish"),
    "una persona cammina avanti": ("a person walks forward", "Read from Italian"),
    "uma pessoa dança": ("a person dances", "Read from Portuguese"),
    "человек машет правой рукой": ("a person waves with the right hand", "Read from Russian"),
    "人が歩く": ("a person walks", "Read from Japanese"),
    "左手を振る": ("a person waves with the left hand", "Read from Japanese"),
    "一个人向前走": ("a person walks forward", "Read from Chinese"),
    "사람이 천천히 걷는다": ("a person walks slowly", "Read from Korean"),
    "شخص يمشي": (STILL, "(Arabic)"),
    "犬が吠える": (STILL, "(Japanese)"),
    "ein Hund tanzt Tango und winkt": ("a person dances and waves", "'hund' and 'tango'"),
}


@pytest.mark.parametrize("text", SAID)
def test_what_is_not_known_is_said(text):
    reading, (used, note) = read(text), SAID[text]
    assert [step.text for step in reading.steps] == [used]
    assert note in " ".join(reading.notes)
    assert all(re.fullmatch(r".*\.", said) for said in reading.notes)


def test_a_step_of_several_can_be_unknown():
    reading = read("a dog dances in the park, then jumps twice")
    assert [step.text for step in reading.steps] == [
        "a person dances in the park",
        "a person jumps twice",
    ]
    reading = read("a person walks, then plays the tuba and then sits")
    assert [step.text for step in reading.steps] == ["a person walks", STILL, "a person sits"]
    assert len(reading.notes) == 1


def test_steps_in_another_language():
    reading = read("一个人向前走 然后坐下")
    assert [step.text for step in reading.steps] == ["a person walks forward", "a person sits"]
    assert translate("ein Mensch dreht sich nach links und winkt dann", 9).english == (
        "a person turns left and waves"
    )


@pytest.mark.parametrize(
    "text",
    ["a" * 300, "then then then", "and", ", , x ;", "3 s", "once", "-" * 40 + "a", "walks" * 9],
)
def test_anything_is_read(text):
    reading = read(text)
    assert reading.steps
    assert all(step.text for step in reading.steps)


def test_what_cannot_be_a_prompt_is_refused():
    with pytest.raises(ValueError, match="the prompt is empty"):
        read(" ?! ")


def test_forms_of_verbs():
    for verb in ("walk", "wave", "run", "sit", "clap", "dance", "push", "carry", "lie", "exercise"):
        forms = [verb, third(verb), f"{stem(verb)}ing"]
        assert [base(form) for form in forms[:2]] == [verb, verb]
    assert [base(w) for w in ("running", "sat", "threw", "waving", "lying", "stopped", "goes")] == [
        *("run", "sit", "throw", "wave", "lie", "stop", "go")
    ]
    assert base("table") is None
    assert known.respelled("paints") is None  # a word, though one letter off "points"


def test_the_table_says_what_is_near():
    table = known.load()
    assert table.phrase("walks ahead")[1] > table.near_phrase > table.phrase("photosynthesis")[1]
    assert table.verb("strolling")[0] in ("walks", "strides")
    assert table.has("Walking")
    assert not table.has("tuba")


@pytest.mark.parametrize("text", ["salutes and " * 24, "er geht " * 37])
def test_words_that_grow_stay_a_prompt(text):
    assert all(len(step.text) <= MAX_PROMPT for step in read(text.strip()).steps)
