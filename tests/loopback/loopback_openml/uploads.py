"""What the server takes: flows, and runs of them. Checked as OpenML's does it, and kept as it came."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qs

from loopback_openml import documents, schemas
from loopback_openml.answers import API, XML, Answer, refusal
from loopback_openml.arff import read_arff
from loopback_openml.content import Catalogue

FIRST_FLOW, FIRST_RUN = 7001, 9001
_OML = f"{{{documents.NAMESPACE}}}"


@dataclass(frozen=True)
class Part:
    """A field of a form; `filename` is empty where it is no file."""

    content: bytes
    filename: str = ""

    @property
    def text(self) -> str:
        """What it says."""
        return self.content.decode("utf-8")


@dataclass(frozen=True)
class ReceivedFlow:
    """A flow."""

    id: int
    description: ET.Element

    def said(self, tag: str) -> str | None:
        """Return the text of an element."""
        return self.description.findtext(_OML + tag)

    @property
    def parameters(self) -> dict[str, str]:
        """Names and default values."""
        found = self.description.findall(f"{_OML}parameter")
        return {each.findtext(f"{_OML}name", ""): each.findtext(f"{_OML}default_value", "") for each in found}


@dataclass(frozen=True)
class ReceivedRun:
    """A run."""

    id: int
    task_id: int
    flow_id: int
    settings: dict[str, str]
    predictions: bytes


class Deposits:
    """What was taken so far. Not for threads."""

    def __init__(self) -> None:
        self.flows: list[ReceivedFlow] = []
        self.runs: list[ReceivedRun] = []

    def flow_at(self, path: str) -> Answer | None:
        """Return the answer to a GET of a flow that was sent; None for every other path."""
        match = re.fullmatch(rf"{API}/flow/(\d+)", path.partition("?")[0])
        found = next((flow for flow in self.flows if match and flow.id == int(match[1])), None)
        return None if found is None else _xml(documents.flow(found.id, found.description))

    def receive(self, path: str, form: Mapping[str, Part], catalogue: Catalogue) -> Answer:
        """Return the answer to a POST."""
        match path.removeprefix(API).strip("/"):
            case "flow/exists":
                return self._flow_exists(form)
            case "flow":
                return self._flow(form)
            case "run":
                return self._run(form, catalogue)
            case _:
                return refusal(100, "Function not valid")

    def _find(self, name: str | None, external_version: str | None) -> ReceivedFlow | None:
        wanted = (name, external_version)
        return next((f for f in self.flows if (f.said("name"), f.said("external_version")) == wanted), None)

    def _flow_exists(self, form: Mapping[str, Part]) -> Answer:
        if not {"name", "external_version"} <= form.keys():
            return refusal(330, "Mandatory fields not present.")
        found = self._find(form["name"].text, form["external_version"].text)
        return _xml(documents.flow_exists(found.id if found else None))

    def _flow(self, form: Mapping[str, Part]) -> Answer:
        if "description" not in form:
            return refusal(161, "Please provide description xml")
        element, wrong = _parsed(form["description"], schemas.FLOW)
        if wrong:
            return refusal(163, f"Problem validating uploaded description file: {wrong}")
        flow = ReceivedFlow(FIRST_FLOW + len(self.flows), element)
        if self._find(flow.said("name"), flow.said("external_version")):
            return refusal(171, "flow already exists")
        self.flows.append(flow)
        return _xml(documents.flow_uploaded(flow.id))

    def _run(self, form: Mapping[str, Part], catalogue: Catalogue) -> Answer:
        if "description" not in form:
            return refusal(201, "Please provide run xml")
        element, wrong = _parsed(form["description"], schemas.RUN)
        if wrong:
            return refusal(202, f"Could not validate run xml by xsd: {wrong}")
        run = ReceivedRun(
            id=FIRST_RUN + len(self.runs),
            task_id=int(element.findtext(_OML + "task_id", "0")),
            flow_id=int(element.findtext(_OML + "flow_id", "0")),
            settings={
                each.findtext(f"{_OML}name", ""): each.findtext(f"{_OML}value", "")
                for each in element.findall(f"{_OML}parameter_setting")
            },
            predictions=form["predictions"].content if "predictions" in form else b"",
        )
        refused = self._fault_of(run, form, catalogue)
        if refused is not None:
            return refused
        self.runs.append(run)
        return _xml(documents.run_uploaded(run.id))

    def _fault_of(self, run: ReceivedRun, form: Mapping[str, Part], catalogue: Catalogue) -> Answer | None:
        flow = next((each for each in self.flows if each.id == run.flow_id), None)
        if flow is None:
            return refusal(205, "Unknown flow")
        if "predictions" not in form or not form["predictions"].filename.endswith(".arff"):
            return refusal(206, "Invalid file type uploaded")
        try:
            read_arff(run.predictions)
        except ValueError as error:
            return refusal(209, f"Error parsing uploaded file. {error}")
        if not run.settings.keys() <= flow.parameters.keys():
            return refusal(213, "Parameter in run xml unknown")
        return refusal(204, "Unknown task") if catalogue.task(run.task_id) is None else None


def form_of(content_type: str, body: bytes) -> dict[str, Part]:
    """Return the fields of a form, in parts or url-encoded."""
    if content_type.startswith("application/x-www-form-urlencoded"):
        return {name: Part(values[0].encode()) for name, values in parse_qs(body.decode()).items()}
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    found = {}
    for part in message.iter_parts():
        said = part["Content-Disposition"].params
        found[said["name"]] = Part(part.get_payload(decode=True), said.get("filename", ""))
    return found


def _parsed(part: Part, rule: schemas.Rule) -> tuple[ET.Element, str | None]:
    try:
        element = ET.fromstring(part.content)  # noqa: S314 - it comes from the test itself
    except ET.ParseError as error:
        return ET.Element("none"), str(error)
    return element, schemas.fault_of(element, rule)


def _xml(body: bytes) -> Answer:
    return Answer(200, XML, body)
