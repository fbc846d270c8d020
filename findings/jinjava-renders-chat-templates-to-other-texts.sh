#!/usr/bin/env bash
# com.hubspot.jinjava:jinjava 2.8.0, the maintained Jinja of Java, takes what chat templates of language models are made of and
# renders other texts than jinja2 3.1.6 does in Python, where templates are written and tested: a reversed list, the condition of a
# loop and methods of texts give nothing at all, "is none" of a field that is absent is true, and a blank before "{{-" stays. The
# result lists an error for slices and methods, and none for the other three.
#
# Seen on 2026-12-01, with trim_blocks and lstrip_blocks as transformers sets them. A prompt that lost its conversation still looks
# like a prompt: the model answers something.
#
# Here: chat/ evaluates templates itself, equal to transformers' on what it knows (ChatTemplateTests), and refuses the rest by name.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >pom.xml <<'EOF'
<project><modelVersion>4.0.0</modelVersion>
<groupId>seen</groupId><artifactId>seen</artifactId><version>1</version>
<dependencies><dependency><groupId>com.hubspot.jinjava</groupId><artifactId>jinjava</artifactId><version>2.8.0</version></dependency></dependencies>
</project>
EOF
mvn -q -B dependency:copy-dependencies -DoutputDirectory=jars
python3 -m venv venv
venv/bin/pip install -q jinja2==3.1.6
cat >cases.txt <<'EOF'
reversed|{% for m in messages[::-1] %}{{ m.role }},{% endfor %}
if-in-for|{% for m in messages if m.role == 'user' %}{{ m.content }},{% endfor %}
lstrip|{{ '  a'.lstrip() }}
startswith|{{ 'abc'.startswith('ab') }}
absent-is-none|{{ messages[0].tools is none }}
blank|a {{- 'b' }}
plain|{% for m in messages %}{{ m['role'] + ': ' + m['content'] }}{% endfor %}
EOF
cat >Seen.java <<'EOF'
import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

class Seen {
    public static void main(String[] none) throws Exception {
        Jinjava jinja = new Jinjava(JinjavaConfig.newBuilder().withTrimBlocks(true).withLstripBlocks(true).build());
        Map<String, Object> context = Map.of("messages", List.of(Map.of("role", "system", "content", "s"),
                Map.of("role", "user", "content", "u")));
        for (String line : Files.readAllLines(Path.of("cases.txt"))) {
            String[] parts = line.split("\\|", 2);
            var result = jinja.renderForResult(parts[1], context);
            System.out.println(parts[0] + "|" + result.getOutput() + "|" + result.getErrors().size());
        }
    }
}
EOF
java=${JAVA25_HOME:+$JAVA25_HOME/bin/}java
"$java" -cp "jars/*" Seen.java >java.txt 2>/dev/null
venv/bin/python - <<'EOF'
import jinja2

environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
found = dict(line.rstrip("\n").split("|", 1) for line in open("java.txt"))
other = []
for line in open("cases.txt"):
    name, template = line.rstrip("\n").split("|", 1)
    right = environment.from_string(template).render(messages=messages)
    text, errors = found[name].rsplit("|", 1)
    print(f"{name}: jinja2 {right!r}, jinjava {text!r} with {errors} errors")
    if text != right:
        other.append(name)
    silent = errors == "0"
    assert silent == (name not in ("reversed", "lstrip", "startswith")), (name, errors)
assert other == ["reversed", "if-in-for", "lstrip", "startswith", "absent-is-none", "blank"], other
EOF
