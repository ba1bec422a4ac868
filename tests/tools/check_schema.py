"""check_schema.py LEMURSIM FILE... - validates shipped YAML files against the JSON Schemas that LEMURSIM prints, by the
public validator jsonschema, on what a parser of YAML 1.2 reads. Says what is wrong, and how many files were right."""
import json, subprocess, sys
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

yaml = YAML(typ="safe", pure=True)
program, files = sys.argv[1], sys.argv[2:]
validators = {}
for kind in ("scenario", "model", "machine", "link", "family", "server"):
    schema = json.loads(subprocess.check_output([program, "help", kind, "--schema"]))
    Draft7Validator.check_schema(schema)
    validators[kind] = Draft7Validator(schema)

def kind_of(tree):
    schema = tree.get("schema", "").split("/")
    kind = schema[1] if len(schema) == 3 else ""
    if kind != "hardware":
        return kind
    # a link that inherits from a link need not say so again
    return tree.get("kind", "link" if "base" in tree and "devices" not in tree and "memory" not in tree else "machine")

right = wrong = 0
for name in files:
    with open(name, encoding="utf-8") as f:
        tree = yaml.load(f)
    errors = list(validators[kind_of(tree)].iter_errors(tree))
    for e in errors[:3]:
        print(f"{name}: {'/'.join(str(p) for p in e.absolute_path)}: {e.message[:160]}")
    wrong += bool(errors)
    right += not errors
print(f"{right} passed, {wrong} failed")
sys.exit(bool(wrong) or not right)
