"""Alterations of an ingest's stores, one at a time: verification finds each, or it is said why it cannot."""

import pytest

from hundredfold_cli.ingests.verification.findings import Store
from hundredfold_cli.ingests.verification.verify import verify_ingest
from hundredfold_cli.models.predict_again import Sample, predict_again
from tests.support.deployed import Stack
from tests.support.stores.ingest_stores import IngestStores
from tests.support.stores.mutations import MUTATIONS, Finder, Mutation, Subject
from tests.support.stores.subjects import find_alteration, make_subjects


@pytest.fixture(scope="module")
def subjects(stack: Stack) -> dict[Subject, IngestStores]:
    return make_subjects(stack)


def test_there_are_at_least_forty_and_no_two_are_the_same() -> None:
    names = [(mutation.subject, mutation.store, mutation.what) for mutation in MUTATIONS]

    assert len(names) >= 40
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("subject", Subject)
def test_what_was_not_altered_agrees(subjects: dict[Subject, IngestStores], subject: Subject) -> None:
    stores = subjects[subject]

    verification = verify_ingest(stores.deployment, stores.ingest_id, scan=True)

    assert verification.problems == []
    assert verification.records > 0


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_an_alteration_is_found_unless_it_cannot_be(subjects: dict[Subject, IngestStores], mutation: Mutation) -> None:
    found = find_alteration(subjects[mutation.subject], mutation)

    assert bool(found.by) is not bool(mutation.cannot), found


@pytest.mark.parametrize("mutation", [mutation for mutation in MUTATIONS if mutation.by is Finder.AGAIN], ids=str)
def test_an_altered_answer_is_found_by_predicting_it_again(
    subjects: dict[Subject, IngestStores], mutation: Mutation
) -> None:
    found = find_alteration(subjects[mutation.subject], mutation, again=True)

    assert found.by == Store.PREDICTIONS
    assert "version 1 answers" in found.says


def test_predicted_again_all_answers_are_as_they_are_stored(subjects: dict[Subject, IngestStores]) -> None:
    for subject, records in ((Subject.LINES, 326), (Subject.TABLES, 269), (Subject.PACKED, 326)):
        stores = subjects[subject]
        sample = Sample(None)
        verification = verify_ingest(stores.deployment, stores.ingest_id, scan=False, offer=sample.offer)
        plan = stores.deployment.ledger.plan(stores.ingest_id)
        assert plan is not None

        predict_again(stores.deployment, plan, sample.kept, verification)

        assert (verification.problems, verification.predicted_again) == ([], records)


@pytest.mark.parametrize("subject", Subject)
def test_what_was_altered_is_as_it_was_before(subjects: dict[Subject, IngestStores], subject: Subject) -> None:
    stores = subjects[subject]

    assert verify_ingest(stores.deployment, stores.ingest_id, scan=True).problems == []
