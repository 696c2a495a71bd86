#!/usr/bin/env python3
# prinex: the page of the message set: complete against schemas, rules and examples; search and navigation in a real browser
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors
"""In the browser a copy of the page runs the script below, which types, clicks and follows links, and writes what it saw into the page."""
import glob
import html
import json
import os
import re
import shutil
import tempfile
import xml.etree.ElementTree as ET

import px

XS = "{http://www.w3.org/2001/XMLSchema}"
work = tempfile.mkdtemp(prefix="prinex-page-")
page_file = os.path.join(work, "message-set.html")
status, out, err = px.run([os.path.join(px.ROOT, "schemas", "message-set"), page_file])
px.ok(status == 0 and os.path.exists(page_file), "the page is written", err)
with open(page_file, encoding="utf-8") as f:
    page = f.read()


def local(tag):
    return tag.split("}")[-1]


# --- complete

ids = set(re.findall(r'<(?:tr|section)[^>]* id="([^"]+)"', page))
links = set(re.findall(r'href="#([^"]+)"', page.split("<script>")[0]))
px.ok(links <= ids, "each link leads somewhere", sorted(links - ids)[:10])
px.ok(not re.search(r'(?:src|href)="(?!#)|@import|url\(|https?://', re.sub(r"<pre>.*?</pre>", "", page, flags=re.S)), "nothing is fetched from elsewhere")
px.ok(not re.search(r"<!--[A-Z_]+-->", page), "nothing was left out of the frame")

missing = []


def compare(element, path):
    if path not in ids:
        missing.append(path)
    for child in element:
        compare(child, path + "/" + child.tag)


for example in glob.glob(os.path.join(px.EXAMPLES, "*.xml")):
    root = ET.parse(example).getroot()
    compare(root, local(root.tag))
px.ok(not missing, "each element of each example is on it", missing[:10])

declared = {}  # name: numbers it is given anywhere
for xsd in glob.glob(os.path.join(px.ROOT, "schemas", "xsd", "prinex", "*.xsd")):
    for e in ET.parse(xsd).getroot().iter(XS + "element"):
        numbers = {" ".join(d.text.split()) for d in e.iter(XS + "documentation") if d.get("source") == "EUCDM"}
        declared.setdefault(e.get("name"), set()).update(numbers)
rows = re.findall(r'<tr id="([^"]+)" data-depth.*?<td class="card">([^<]*)</td><td class="eucdm">([^<]*)</td><td class="form">(.*?)</td>', page)
wrong = [(path, number) for path, _, number, _ in rows if number and not any(re.fullmatch(n.replace("nn", "[0-9]{2}"), number) for n in declared[path.split("/")[-1]])]
px.ok(not wrong and len(rows) > 1000, "numbers of the data model are those of the schemas", wrong[:10])
px.ok(not [n for _, _, n, _ in rows if "nn" in n], "and whole: the class is filled in", [r for r in rows if "nn" in r[2]][:5])
px.ok({r[1] for r in rows} >= {"1..1", "0..1", "1..9", "0..99"}, "how often an element stands there is said")
by_path = {r[0]: r for r in rows}
px.ok(by_path["PreArrivalNotice/Consignment/Carrier/Identification/value"][2] == "13 12 017 000" and
      "CountryCodeType" in by_path["PreArrivalNotice/Consignment/countryOfDestination"][3] and
      "1 to 512 characters" in by_path["Ping/text"][3], "number, code list and length of some that are known", by_path["Ping/text"])
with open(os.path.join(px.ROOT, "schemas", "rules", "prinex.sch"), encoding="utf-8") as f:
    rules = set(re.findall(r'<sch:(?:assert|report) id="([^"]+)"', f.read()))
px.ok({"rule/" + r for r in rules} <= ids and rules, "each rule is on it", rules - {i[5:] for i in ids})
named = set(re.findall(r'<a class="rule" href="#rule/([^"]+)"', page))
px.ok(rules - named <= {r for r in rules if re.search(r"AMENDMENT|REGISTRATION|MRN-COUNTRY|MRN-TRANSIT|UNAVAILABLE", r)} and
      'id="ExportDeclaration/MRN"' in page and "R-MRN-CHECK" in page.split('id="ExportDeclaration/MRN"')[1].split("</tr>")[0],
      "rules stand at the elements that they judge", rules - named)

# --- in a browser

SCRIPT = """<script>
(async () => {
  const seen = {}, $ = q => document.querySelector(q), all = q => [...document.querySelectorAll(q)];
  const shown = e => !!e && e.getClientRects().length > 0, row = id => document.getElementById(id);
  const type = text => { const s = $("#search"); s.value = text; s.dispatchEvent(new Event("input", { bubbles: true })); };
  const follow = async link => { link.click(); await new Promise(r => setTimeout(r, 50)); };
  const visible = () => all("table.elements tbody tr").filter(shown).length;
  try {
    seen.all = visible();
    type("netMass");
    seen.found = all("tr.hit").filter(shown).map(r => r.id);
    seen.parent = shown(row("PreArrivalNotice/Consignment"));
    seen.other = shown(row("PreArrivalNotice/noticeKind"));
    seen.hidden_message = shown(document.getElementById("Ping"));
    seen.count = $("#count").textContent;
    type("13 12 017"); seen.number = all("tr.hit").filter(shown).map(r => r.id);
    type("1312017000"); seen.tight = all("tr.hit").filter(shown).map(r => r.id);
    type("r-mass-net"); seen.rule = all("tr.hit").filter(shown).map(r => r.id);
    type("empty vehicle"); seen.code = all("section.list tr.hit").filter(shown).length;
    type("no such word"); seen.nothing = [visible(), $("#count").textContent];
    await follow($('#messages a[href="#PreArrivalNotice"]'));
    seen.left_search = [$("#search").value, visible() === seen.all];
    seen.current = $("nav a[aria-current]").textContent;
    seen.top = Math.abs(document.getElementById("PreArrivalNotice").getBoundingClientRect().top) < innerHeight;
    const toggle = row("PreArrivalNotice/Consignment").querySelector(".toggle");
    toggle.click();
    seen.folded = [shown(row("PreArrivalNotice/Consignment/grossMass")), shown(row("PreArrivalNotice/Consignment")), toggle.getAttribute("aria-expanded")];
    location.hash = "#PreArrivalNotice/Consignment/Carrier/Identification/value";
    await new Promise(r => setTimeout(r, 50));
    const deep = row("PreArrivalNotice/Consignment/Carrier/Identification/value");
    seen.unfolded = [shown(deep), deep.classList.contains("here")];
    $("#fold").click(); seen.all_folded = visible();
    $("#fold").click(); seen.all_open = visible() === seen.all;
    await follow(row("PreArrivalNotice/Consignment/countryOfDestination").querySelector("td.form a"));
    seen.list = [location.hash, shown(document.getElementById("list/CountryCodeType"))];
    await follow(row("ExportDeclaration/MRN").querySelector("a.rule"));
    seen.to_rule = [location.hash, document.getElementById("rule/R-MRN-CHECK").classList.contains("here")];
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }));
    seen.slash = document.activeElement.id;
    seen.dark = getComputedStyle(document.body).backgroundColor;
    seen.overflow = document.documentElement.scrollWidth > innerWidth;
  } catch (e) { seen.error = String(e); }
  const out = document.createElement("pre"); out.id = "seen"; out.textContent = JSON.stringify(seen); document.body.append(out);
})();
</script></body>"""


def browser(chromium, scheme, width):
    copy = os.path.join(work, "copy-%d.html" % scheme)
    with open(copy, "w", encoding="utf-8") as f:
        f.write(page.replace("</body>", SCRIPT))
    argv = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--user-data-dir=" + os.path.join(work, "profile"),
            "--host-resolver-rules=MAP * ~NOTFOUND", "--blink-settings=preferredColorScheme=%d" % scheme, "--window-size=%d,1000" % width,
            "--virtual-time-budget=20000", "--dump-dom", "file://" + copy]
    status, out, err = px.run(argv, timeout=300)
    m = re.search(r'<pre id="seen">(.*?)</pre>', out, re.S)
    return json.loads(html.unescape(m.group(1))) if m else {"error": "status %d: %s" % (status, err[-1500:])}


chromium = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
if chromium is None:
    px.skip("search, folding and links in a browser, in light and dark", "chromium is not there")
else:
    light = browser(chromium, 1, 1400)
    if px.ok("error" not in light, "the page runs in a browser", light.get("error")):
        px.ok(light["all"] == len(rows), "at first all elements are shown", light["all"])
        px.ok(all("netmass" in page.split('id="%s"' % i)[1].split("</tr>")[0].lower() for i in light["found"]) and
              "PreArrivalNotice/Consignment/ConsignmentItem/Commodity/GoodsMeasure/netMass" in light["found"], "a name is found", light["found"][:5])
        px.ok(light["parent"] and not light["other"] and not light["hidden_message"], "with its parents, without the rest", light)
        px.ok(light["count"] == "%d places" % len(light["found"]), "and counted", light["count"])
        px.ok("PreArrivalNotice/Consignment/Carrier/Identification/value" in light["number"] and
              all(by_path[i][2].startswith("13 12 017") for i in light["number"]), "a number of the data model is found", light["number"])
        px.ok(light["tight"] == light["number"], "however it is spaced", light["tight"])
        px.ok("rule/R-MASS-NET" in light["rule"] and "PreArrivalNotice/Consignment" in light["rule"], "a rule is found, and where it judges", light["rule"])
        px.ok(light["code"] >= 1, "the meaning of a code is found", light["code"])
        px.ok(light["nothing"] == [0, "0 places"], "what is not there is not found", light["nothing"])
        px.ok(light["left_search"] == ["", True] and light["current"] == "PreArrivalNotice" and light["top"], "a message of the contents is gone to, the search ends", light)
        px.ok(light["folded"] == [False, True, "false"], "an element is folded", light["folded"])
        px.ok(light["unfolded"] == [True, True], "a link to what is folded unfolds it and marks it", light["unfolded"])
        px.ok(light["all_folded"] < light["all"] / 4 and light["all_open"], "all is folded and unfolded", light["all_folded"])
        px.ok(light["list"] == ["#list/CountryCodeType", True], "from an element to its code list", light["list"])
        px.ok(light["to_rule"] == ["#rule/R-MRN-CHECK", True], "from an element to its rule", light["to_rule"])
        px.ok(light["slash"] == "search", "/ goes to the search", light["slash"])
        px.ok(not light["overflow"], "nothing sticks out to the right")
        dark = browser(chromium, 0, 500)
        px.ok(dark.get("overflow") is False, "nor on a narrow screen", dark)
        px.ok(dark.get("dark") not in (None, light["dark"]) and light["dark"] == "rgb(255, 255, 255)", "light and dark differ", dark.get("dark", dark))
shutil.rmtree(work, ignore_errors=True)
px.done()
