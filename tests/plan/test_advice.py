"""What all questions keep to: numbers of the survey, guidance with sources, a meaning for every key."""

from __future__ import annotations

import dataclasses

import pytest

from lawful.plan.advice import TOPICS
from lawful.plan.sections import field_texts

topics = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)


@topics
def test_every_key_of_a_section_says_what_it_means(topic):
    texts = field_texts(topic.asked)
    assert [f.name for f in dataclasses.fields(topic.asked) if f.name not in texts] == []


@topics
def test_guidance_is_data_with_sources(topic):
    assert topic.guidance
    assert 1 <= topic.number <= 8
    for one in topic.guidance:
        assert one.text.endswith((".", "?"))
        assert one.source


def test_topics_stand_in_the_order_of_the_survey_under_names_of_their_own():
    assert [t.number for t in TOPICS] == sorted(t.number for t in TOPICS)
    assert len({t.name for t in TOPICS}) == len(TOPICS)
