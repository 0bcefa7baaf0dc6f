"""The doctor and the checks of a deployed stack, on the local stack."""

import json
from typing import Any

from hundredfold_cli.deployment_checks.registry import CHECKS
from hundredfold_cli.doctor.rights import examine_rights
from hundredfold_cli.stack.checkout import DEPLOYING_POLICY
from tests.support.deployed import Stack


def test_the_table_of_a_stack_that_stays_has_a_row_for_each_check(stack: Stack) -> None:
    done = stack.command("check-deployment", "--here", "--yes", "--json")

    assert done.returncode == 0, done.stderr + done.stdout
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert set(rows) == {check.name for check in CHECKS} - {"stream-kinesis"}
    asked = {name for name, row in rows.items() if row["verdict"] == "as expected"}
    assert asked == {"new-table", "keys"}
    assert {row["verdict"] for name, row in rows.items() if name not in asked} == {"not asked"}
    assert rows["new-table"]["seen"].startswith("COMPLETED: 250 records, 250 predicted")
    assert rows["keys"]["seen"] == "by its key: 1 of 1, by its prefix: 1 of 1, by its arrival: 1 of 1"
    assert rows["metrics"]["seen"].startswith("the local stack cannot answer: ")
    assert rows["poison-batch"]["seen"].startswith("it changes the stack")


def test_the_doctor_finds_nothing_but_the_variable_that_leads_to_the_local_stack(stack: Stack) -> None:
    done = stack.command("doctor", "--json")

    findings = {finding["subject"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 1
    assert [subject for subject, finding in findings.items() if not finding["fine"]] == ["endpoint"]
    assert findings["endpoint"]["action"] == "unset AWS_ENDPOINT_URL, to reach AWS"
    assert findings["names"]["detail"].startswith("stack hundredfold is ")


def test_a_user_with_the_policy_may_deploy_and_one_without_a_right_of_it_may_not(stack: Stack) -> None:
    iam: Any = stack.deployment.session.client("iam", endpoint_url=stack.deployment.endpoint)
    policy = json.loads(DEPLOYING_POLICY.read_bytes())
    for statement in policy["Statement"]:
        statement.pop("Condition", None)  # the local stack's simulation takes no context
    user = iam.create_user(UserName="deployer")["User"]["Arn"]

    def rights() -> Any:
        iam.put_user_policy(UserName="deployer", PolicyName="deploy", PolicyDocument=json.dumps(policy))
        return examine_rights(iam, user, user.split(":")[4], "us-east-1", "hundredfold")

    assert rights().fine

    [statement] = [statement for statement in policy["Statement"] if "iam:PassRole" in statement["Action"]]
    policy["Statement"].remove(statement)
    assert rights().detail == "1 are missing: iam:PassRole"
