# SPDX-License-Identifier: LGPL-2.1-or-later
"""The contract under introspection/ is what the running service answers to Introspect."""

import os
import xml.etree.ElementTree as ET

from gi.repository import Gio, GLib

from harness import NAME, PATH, main, wait_until

FOLDER = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../introspection")
EMITS_CHANGED = "org.freedesktop.DBus.Property.EmitsChangedSignal"


def annotations(element):
    """What the bus's own annotations say; those for generators of code are in the file only."""
    found = {a.get("name"): a.get("value") for a in element.findall("annotation")}
    return {name: found[name] for name in found if name.startswith("org.freedesktop.DBus.")}


def describe_arguments(element):
    default = "out" if element.tag == "signal" else "in"
    return [
        (argument.get("direction", default), argument.get("type"), argument.get("name"))
        for argument in element.findall("arg")
    ]


def describe_property(element):
    # Without the annotation, a change is announced with its value.
    found = {EMITS_CHANGED: "true"} | annotations(element)
    return element.get("type"), element.get("access"), found


def describe(interface):
    """All there is to an interface, in a form that two of them can be compared in."""
    members = {}
    for element in interface:
        if element.tag in ("method", "signal"):
            value = (describe_arguments(element), annotations(element))
        elif element.tag == "property":
            value = describe_property(element)
        else:
            continue
        members[f"{element.tag} {element.get('name')}"] = value
    return members


def find(root, name):
    return next((i for i in root.iter("interface") if i.get("name") == name), None)


def contract(name):
    return describe(find(ET.parse(f"{FOLDER}/{name}.xml").getroot(), name))


def introspect(pool, path):
    text = pool.bus.connection.call_sync(
        NAME, path, "org.freedesktop.DBus.Introspectable", "Introspect", None, None,
        Gio.DBusCallFlags.NO_AUTO_START, -1, None,
    ).unpack()[0]  # fmt: skip
    return ET.fromstring(text)


def compare(wanted, found):
    """Fails with every difference, in both directions."""
    faults = [
        f"{member}: the contract has {wanted.get(member)}, the service {found.get(member)}"
        for member in sorted(wanted.keys() | found.keys())
        if wanted.get(member) != found.get(member)
    ]
    assert not faults, "\n".join(faults)


def objects_below(pool, path):
    for node in introspect(pool, path).findall("node"):
        child = f"{path}/{node.get('name')}"
        yield child
        yield from objects_below(pool, child)


def test_pool_is_as_the_contract_says(pool):
    """Interface, members, signatures, names of arguments, access and annotations are the same in
    the contract and in the running service."""
    interface = find(introspect(pool, PATH), NAME)
    assert interface is not None, f"{PATH} has no interface {NAME}"
    compare(contract(NAME), describe(interface))


def test_pool_has_no_other_interface_of_ours(pool):
    """What the service answers on its object and is not the bus's own is in the contract."""
    names = {i.get("name") for i in introspect(pool, PATH).iter("interface")}
    ours = {name for name in names if not name.startswith("org.freedesktop.DBus.")}
    assert ours == {NAME}, ours


def test_other_arguments_are_refused(pool):
    """A call with other arguments than the contract's is an error, not a guess."""
    for method, arguments in (
        ("Start", GLib.Variant("(ss)", ("/", "s"))),
        ("List", GLib.Variant("(s)", ("x",))),
        ("StartWithOptions", GLib.Variant("(sssas)", ("/", "s", "a", []))),
    ):
        try:
            pool.bus.connection.call_sync(
                NAME, PATH, NAME, method, arguments, None, Gio.DBusCallFlags.NONE, -1, None
            )
        except GLib.Error as error:
            assert "InvalidArgs" in error.message, error.message
        else:
            raise AssertionError(f"{method} took {arguments}")


def test_run_is_as_the_contract_says(pool):
    """The object of a run has the interface that the contract gives it."""
    root = pool.repository(agents={"coder": "init; idle"})
    pool.start(root, "42_login")
    try:
        run = "org.storkit.Run"
        found = wait_until(
            lambda: [i for path in objects_below(pool, PATH) if (i := find(introspect(pool, path), run))],
            "the object of a run",
        )
        compare(contract(run), describe(found[0]))
    finally:
        pool.stop(root, "42_login")


if __name__ == "__main__":
    main()
