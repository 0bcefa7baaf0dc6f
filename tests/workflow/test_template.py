"""Reading a template: CloudFormation's short forms, conditions, and what the state machine's role may do."""

from typing import Any

import pytest

from tools.workflow.template import Template, resource_named

TEXT = """
Parameters:
  Size: {Type: Number, Default: 7}
  Name: {Type: String}
Mappings:
  Texts: {One: {Text: "one"}}
Conditions:
  Traced: !Equals [!Ref Tracing, "on"]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      ManagedPolicyArns: !If [Traced, [!Ref TracePolicy], !Ref "AWS::NoValue"]
      Policies:
        - !If
          - Audited
          - PolicyName: audit
            PolicyDocument:
              Statement: [{Action: "a:Audit", Resource: "*"}]
          - !Ref AWS::NoValue
        - PolicyName: work
          PolicyDocument:
            Statement:
              - Action: [a:One, a:Two]
                Resource: !GetAtt Table.Arn
              - Action: a:One
                Resource: [!Sub "${Bucket.Arn}/*", !Ref Queue]
  TracePolicy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Statement: [{Action: "xray:PutTraceSegments", Resource: "*"}]
  Function:
    Type: AWS::Serverless::Function
    Properties: {Timeout: 20, Description: !FindInMap [Texts, One, Text]}
  Spare:
    Type: AWS::Serverless::Function
    Condition: Traced
    Properties: {Timeout: 3}
  BatchInference:
    Type: AWS::Serverless::StateMachine
    Properties:
      Role: !GetAtt Role.Arn
      DefinitionSubstitutions: {Table: !Ref Table}
      Tags: [!If [Traced, !Ref "AWS::NoValue", x], y]
"""
TEMPLATE = Template.parse(TEXT)


def test_what_the_role_may_do_with_all_conditions_held() -> None:
    assert TEMPLATE.granted() == {"xray:PutTraceSegments", "a:Audit", "a:One", "a:Two"}
    assert [resource_named(resource) for resource in TEMPLATE.resources_for("a:One")] == ["Table", "Bucket", "Queue"]
    assert [resource_named(resource) for resource in TEMPLATE.resources_for("a:Two")] == ["Table"]
    assert TEMPLATE.resources_for("a:Three") == []


def test_what_else_is_read() -> None:
    assert TEMPLATE.function_seconds("Function") == 20
    assert TEMPLATE.substitutions == {"Table": {"Ref": "Table"}}
    assert TEMPLATE.state_machine["Tags"] == ["y"]


def test_resources_are_found_by_their_type_and_mappings_are_filled_in() -> None:
    functions = {
        "Function": {"Timeout": 20, "Description": "one"},
        "Spare": {"Timeout": 3},
    }

    assert TEMPLATE.of_type("AWS::Serverless::Function") == functions
    assert TEMPLATE.of_type("AWS::Serverless::Function", always=True) == {"Function": functions["Function"]}
    assert TEMPLATE.properties("Function") == functions["Function"]


def test_a_parameter_has_a_default_or_none() -> None:
    assert TEMPLATE.default("Size") == 7
    with pytest.raises(KeyError):
        TEMPLATE.default("Name")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"Ref": "A"}, "A"),
        ({"Fn::GetAtt": "A.Arn"}, "A"),
        ({"Fn::GetAtt": ["A", "Arn"]}, "A"),
        ({"Fn::Sub": "${A.Arn}:*"}, "A"),
        ({"Fn::Sub": "arn:${AWS::Partition}:x"}, ""),
        ("*", ""),
    ],
)
def test_which_resource_a_value_refers_to(value: Any, name: str) -> None:
    assert resource_named(value) == name
