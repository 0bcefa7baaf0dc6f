"""The picture of the workflow is of this definition, and shows all of it."""

from tools.workflow.definition import EXAMPLE, render
from tools.workflow.drawing import PAGE, draw, renewed
from tools.workflow.states import all_states

DEFINITION = render(EXAMPLE)


def test_the_page_has_the_drawing_of_this_definition() -> None:
    page = PAGE.read_text()

    assert renewed(page, DEFINITION) == page, "run make workflow-drawing"


def test_every_state_and_every_way_is_drawn() -> None:
    drawn = draw(DEFINITION)

    for state in all_states(DEFINITION):
        assert f'"{state.name}' in drawn
    assert drawn.count(" --> ") + drawn.count(" .-> ") == 1 + sum(
        len(state.leads_to()) + sum(target == state.body.get("Next") for _, target in state.caught)
        for state in all_states(DEFINITION)
    )


def test_a_small_definition_is_drawn_like_this() -> None:
    definition = {
        "StartAt": "Ask?",
        "States": {
            "Ask?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericGreaterThan": 0, "Next": "Work"}],
                "Default": "No",
            },
            "Work": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "TimeoutSeconds": 3,
                "Retry": [{"ErrorEquals": ["X"], "MaxAttempts": 2}],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "No"}],
                "Next": "Rest",
            },
            "Rest": {"Type": "Wait", "Seconds": 7, "Next": "Yes"},
            "Yes": {"Type": "Succeed"},
            "No": {"Type": "Fail"},
        },
    }

    assert draw(definition).splitlines() == [
        "flowchart TD",
        "    start(( )) --> Ask_asked",
        '    Ask_asked{"Ask?"}',
        '    Work["Work<br/>lambda:invoke, 3 s<br/>X: 2 retries"]',
        '    Rest["Rest<br/>7 s"]',
        '    Yes(["Yes"]):::good',
        '    No(["No"]):::bad',
        '    Ask_asked -- "n &gt; 0" --> Work',
        "    Ask_asked -- else --> No",
        "    Work --> Rest",
        '    Work -. "any error" .-> No',
        "    Rest --> Yes",
        "    classDef good fill:#e6f4ea,stroke:#137333",
        "    classDef bad fill:#fce8e6,stroke:#c5221f",
    ]
