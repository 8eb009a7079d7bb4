"""Makes expected.json: what Transformers' Jinja gives for the templates that this script writes.

    python make_expected.py

The templates are our own, in the styles of the families that are in use, and small ones for one construct
each. Transformers renders all of them; those with {% generation %} also give the spans.
"""

import json
import pathlib
import platform
import transformers
from transformers.utils.chat_template_utils import _compile_jinja_template, _render_with_assistant_indices

HERE = pathlib.Path(__file__).resolve().parent

STYLES = {
    "instruct-brackets": """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}
{% for message in loop_messages %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('roles must take turns: user, assistant, user, ...') }}
{% endif %}
{% if loop.index0 == 0 and system_message != false %}
{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}
{% else %}
{% set content = message['content'] %}
{% endif %}
{% if message['role'] == 'user' %}
{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
{% elif message['role'] == 'assistant' %}
{{ ' ' + content.strip() + ' ' + eos_token }}
{% endif %}
{% endfor %}""",
    "headers": """{{- bos_token }}
{%- if custom_tools is defined %}{%- set tools = custom_tools %}{%- endif %}
{%- if not tools_in_user_message is defined %}
    {%- set tools_in_user_message = true %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}{%- set date_string = strftime_now("%d %b %Y") %}{%- else %}{%- set date_string = "26 Jul 2024" %}{%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|head|>system<|/head|>\\n\\nDate: " + date_string + "\\n\\n" }}
{%- if tools is not none and not tools_in_user_message %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}{{- "<|eot|>" }}
{%- if tools_in_user_message and not tools is none %}
    {%- if messages | length != 0 %}
        {%- set first_user_message = messages[0]['content'] | trim %}
        {%- set messages = messages[1:] %}
    {%- else %}
        {{- raise_exception("no user message to put the tools in") }}
    {%- endif %}
    {{- '<|head|>user<|/head|>\\n\\n' -}}
    {%- for t in tools %}{{- t | tojson(indent=4) }}{{- "\\n\\n" }}{%- endfor %}
    {{- first_user_message + "<|eot|>" }}
{%- endif %}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|head|>' + message['role'] + '<|/head|>\\n\\n' + message['content'] | trim + '<|eot|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls | length == 1 %}{{- raise_exception("one call at a time") }}{%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|head|>assistant<|/head|>\\n\\n' -}}
        {{- '{"name": "' + tool_call.name + '", "parameters": ' }}{{- tool_call.arguments | tojson }}{{- "}<|eot|>" }}
    {%- else %}
        {{- "<|head|>ipython<|/head|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable %}{{- message.content | tojson }}{%- else %}{{- message.content }}{%- endif %}
        {{- "<|eot|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|head|>assistant<|/head|>\\n\\n' }}
{%- endif %}
""",
    "chatml-tools": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- "# Tools\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- set ns = namespace(multi_step=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step and message.role == "user" and message.content is string and not(message.content.startswith('<resp>') and message.content.endswith('</resp>')) %}
        {%- set ns.multi_step = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set thought = '' %}
        {%- if message.reasoning_content is string %}
            {%- set thought = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set thought = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last %}
            {%- if loop.last or (not loop.last and thought) %}
                {{- '<|im_start|>' + message.role + '\\n<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
            {%- else %}
                {{- '<|im_start|>' + message.role + '\\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}
                    {{- '\\n' }}
                {%- endif %}
                {%- if tool_call.function %}
                    {%- set tool_call = tool_call.function %}
                {%- endif %}
                {{- '<call>\\n{"name": "' }}{{- tool_call.name }}{{- '", "arguments": ' }}
                {%- if tool_call.arguments is string %}
                    {{- tool_call.arguments }}
                {%- else %}
                    {{- tool_call.arguments | tojson }}
                {%- endif %}
                {{- '}\\n</call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<resp>\\n' }}{{- content }}{{- '\\n</resp>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}""",
    "turns": """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start>' + role + '
' + message['content'] | trim + '<end>
' }}{% endfor %}{% if add_generation_prompt %}{{'<start>model
'}}{% endif %}
""",
    "parts": """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '\\n\\n' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '\\n\\n' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start>' + role + '\\n' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start>model\\n'}}
{%- endif -%}
""",
    "mistral-tools": """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}{%- set tools = none %}{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[TOOLS][" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}
                        {{- '"' + key + '": "' + val + '"' }}
                    {%- else %}
                        {{- '"' + key + '": ' + val|tojson }}
                    {%- endif %}
                    {%- if not loop.last %}
                        {{- ", " }}
                    {%- endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" }}{%- endif %}
            {%- endfor %}
            {{- "[/TOOLS]" }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST]" + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST]" + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message.tool_calls is defined and message.tool_calls is not none %}
        {{- "[CALLS][" }}
        {%- for tool_call in message.tool_calls %}
            {%- set out = tool_call.function|tojson %}
            {{- out[:-1] }}
            {%- if not tool_call.id is defined or tool_call.id|length != 9 %}
                {{- raise_exception("Tool call IDs should be alphanumeric strings with length 9!") }}
            {%- endif %}
            {{- ', "id": "' + tool_call.id + '"}' }}
            {%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" + eos_token }}{%- endif %}
        {%- endfor %}
    {%- elif message["role"] == "assistant" %}
        {{- message["content"] + eos_token}}
    {%- elif message["role"] == "tool_results" or message["role"] == "tool" %}
        {%- if message.content is defined and message.content.content is defined %}
            {%- set content = message.content.content %}
        {%- else %}
            {%- set content = message.content %}
        {%- endif %}
        {{- '[RESULTS]{"content": ' + content|string + "}[/RESULTS]" }}
    {%- else %}
        {{- raise_exception("Only user and assistant roles are supported, with the exception of an initial optional system message!") }}
    {%- endif %}
{%- endfor %}
""",
    "generation": """{% for message in messages %}
<|{{ message.role }}|>
{% if message.role == 'assistant' %}{% generation %}{{ message.content }}{{ eos_token }}
{% endgeneration %}
{% else %}
{{ message.content }}
{% endif %}
{% endfor %}
{%- if add_generation_prompt %}<|assistant|>
{% endif %}""",
}

SMALL = [
    "plain", "", "a\n", "a\n\n", "{# a comment #}\nb {#- c -#} d", "  {% if true %}\n  x\n  {% endif %}\n  y", "x {%- if true -%}  y  {%- endif %} z",
    "  {%+ if true %}x{% endif +%}\ny", "{{ 1 }}\n{{ 2 -}}\n  3", "\r\na\rb{% set x = 1 %}\r\nc",
    "{{ 'it''s' }}{{ \"a\\n\\t\\\\ \\' \\u00e9\" }}", "{{ 1 + 2 * 3 - 4 // 3 % 2 }} {{ 7 / 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2.5 * 2 }} {{ 1e3 if false else 0.1 }}",
    "{{ 'a' ~ 1 ~ none ~ true ~ [1, 'b', none, 2.0, {'k': 'v\\'s'}] }}", "{{ 'ab' * 3 }} {{ [1] + [2] }} {{ 'x' + 'y' }}", "{{ 1 < 2 <= 2 }} {{ 'a' < 'b' }} {{ 1 == 1.0 }} {{ not 1 in [2] }} {{ 2 not in [1] }}",
    "{{ 'b' in 'abc' }} {{ 'k' in {'k': 1} }} {{ none is none }} {{ x is defined }} {{ x is undefined }} {{ x }}|", "{{ x | default('d') }} {{ '' | default('e', true) }} {{ none | default('f') }}",
    "{{ 'abc'[1] }}{{ 'abc'[-1] }}{{ 'abcdef'[1:4] }}{{ 'abcdef'[::-1] }}{{ 'abcdef'[::2] }}{{ 'abc'[:-1] }}{{ [1,2,3][-2:] }}{{ 'abc'[5:] }}|{{ [1,2,3,4][3:0:-2] }}",
    "{% for i in range(5) %}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ loop.revindex }}{{ loop.length }},{% endfor %}",
    "{% for i in range(10) if i % 2 %}{{ i }}{% if i > 5 %}{% break %}{% endif %}{% if i == 3 %}{% continue %}{% endif %}.{% else %}none{% endfor %}",
    "{% for x in [] %}a{% else %}empty{% endfor %}", "{% for k, v in {'a': 1, 'b': [2]}.items() %}{{ k }}={{ v }};{% endfor %}{{ {'a': 1}.get('z', 'none') }}{{ {'a': 1}.keys() | list }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c %}in{{ a }}side{% endset %}{{ c | upper }}", "{% set ns = namespace(n=0) %}{% for i in [1,2,3] %}{% set ns.n = ns.n + i %}{% set y = i %}{% endfor %}{{ ns.n }}{{ y is defined }}",
    "{% macro greet(name, mark='!') %}Hi {{ name }}{{ mark }}{% endmacro %}{{ greet('you') }}{{ greet(name='me', mark='?') }}{{ greet('x') | length }}",
    "{{ '  a b '.strip() }}|{{ '  a '.lstrip() }}|{{ ' a  '.rstrip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'a,b,,c'.split(',') }}|{{ ' a  b '.split() }}|{{ 'a-b-c'.split('-', 1) }}|{{ 'a-b-c'.rsplit('-', 1) }}",
    "{{ 'hello world'.title() }} {{ 'hELLO'.capitalize() }} {{ 'aXb'.upper() }} {{ 'AbC'.lower() }} {{ 'abc'.replace('b', 'xx') }} {{ 'abcabc'.find('c') }} {{ ','.join(['a','b']) }} {{ 'aba'.count('a') }}",
    "{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'bc')) }}{{ '12'.isdigit() }}{{ 'a\\nb\\n'.splitlines() }}{{ 'abc'.removeprefix('a').removesuffix('c') }}",
    "{{ [1,2,3] | join('-') }} {{ ['a','b'] | first }} {{ ['a','b'] | last }} {{ 'abc' | list }} {{ [3,1] | length }} {{ ' x ' | trim }} {{ 'a b' | replace(' ', '_') }} {{ 'ab' | reverse }}",
    "{{ [{'r': 'u', 'c': 1}, {'r': 'a', 'c': 2}, {'c': 3}] | selectattr('r', 'equalto', 'u') | map(attribute='c') | list }}{{ [{'r': 'u'}, {'r': ''}, {}] | selectattr('r') | list | length }}{{ [{'r': 1}, {'r': 2}] | rejectattr('r', 'eq', 1) | list }}",
    "{{ ['a', 'B'] | map('upper') | join }}{{ [1, 2, 3, 4] | select('even') | list }}{{ [1, 2] | reject('odd') | list }}{{ ['3', 4] | map('int') | list }}{{ [1, 1, 2] | unique | list }}",
    "{{ {'a': [1, 2.5, 'é\"\\n<>&', none, true], 'b': {}, 'c': []} | tojson }}", "{{ {'a': [1, {'b': 'c'}], 'd': {}} | tojson(indent=2) }}", "{{ [1, 2] | tojson(separators=(',', ':')) }}",
    "{{ '5' | int + 1 }} {{ 'x' | int }} {{ 3.9 | int }} {{ '2.5' | float }} {{ -3 | abs }} {{ 5 | string + 'a' }}", "{{ 'a\\nb\\n\\nc' | indent(2) }}|{{ 'a\\nb' | indent(2, true) }}",
    "{{ messages[0].content is string }} {{ messages is iterable }} {{ messages[0] is mapping }} {{ 1 is number }} {{ 1.5 is float }} {{ true is boolean }} {{ 3 is odd }} {{ 4 is divisibleby(2) }} {{ 'a' is lower }} {{ 1 is eq 1 }} {{ 2 is in [1, 2] }}",
    "{{ 'yes' if messages else 'no' }}{{ 'x' if false }}|{{ 'a' if false else 'b' if false else 'c' }}", "{{ (1, 2) | length }} {{ () | length }} {{ [1, [2, 3]][1][0] }} {{ {'a': {'b': 1}}.a.b }} {{ {'a': 1}['a'] }}",
    "{{ messages | length > 1 and messages[1].role or 'none' }} {{ not messages }} {{ none or 'z' }} {{ 0 and 1 }}", "{{ messages[0]['nothing'] is defined }} {{ messages[0].nothing }}| {{ messages[0].get('nothing') }} {{ messages[99] is defined }}",
    "{% if false %}a{% elif true %}b{% else %}c{% endif %}{% if x %}{% else %}d{% endif %}", "{{ \"a\" \"b\" }} {{ 10000000000 }} {{ 1.0 }} {{ 100000.0 * 1000000 }} {{ 0.1 + 0.2 }}",
    "{{ raise_exception('no: ' ~ messages[0].role) }}", "{{ x.y }}", "{{ x + 1 }}", "{{ 1 / 0 }}", "{{ 'a' + 1 }}", "{{ messages[0].content.nothing() }}", "{{ [1,2] | tojson | length }}{{ undefined_thing | length }}",
    "{% for m in messages %}{{ loop.previtem.role if loop.previtem is defined else '-' }}>{{ m.role }}>{{ loop.nextitem.role if loop.nextitem is defined else '-' }} {% endfor %}",
    "{{- 'a' -}}\n\n {{- 'b' }} {%- set q = 1 -%} c", "{{ {'a': {'b': {}}} }}", "{{ 'tab\\there' }} {{ '%' }} {{ '{{' }} {{ \"}}\" }}", "{{ strftime_now('%Y') | length }}",
    "{{ 'A' ~ ('b' | upper) ~ -1 | string }}", "{{ 7 % 4 * 2 ** 3 if false else 'p' }}", "{% set x = 'a' %}{% if true %}{% set x = 'b' %}{% endif %}{{ x }}{% for i in [1] %}{% set x = 'c' %}{% endfor %}{{ x }}",
]

CONVERSATIONS = [
    [{"role": "user", "content": "Hello"}],
    [{"role": "system", "content": " Be brief.\n"}, {"role": "user", "content": "  What's 2+2? "}, {"role": "assistant", "content": " 4 "}, {"role": "user", "content": "And 日本語 \"quoted\" 😀?"}],
    [{"role": "user", "content": "Think"}, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nDone"}, {"role": "user", "content": "again"}, {"role": "assistant", "content": "<think>\nh2\n</think>\n\nD2"}],
    [{"role": "user", "content": "weather?"}, {"role": "assistant", "content": "", "tool_calls": [{"id": "abcdefghi", "type": "function", "function": {"name": "look", "arguments": {"place": "Zürich", "days": 2}}}]},
     {"role": "tool", "content": "{\"t\": 21.5}"}, {"role": "assistant", "content": "21.5"}],
    [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": " what is it? "}]}],
    [{"role": "assistant", "content": "I begin"}],
]
TOOLS = [{"type": "function", "function": {"name": "look", "description": "Looks \"it\" up", "parameters": {"type": "object", "properties": {"place": {"type": "string"}, "days": {"type": "integer", "minimum": 1}}, "required": ["place"]}}}]
VARIABLES = {"bos_token": "<s>", "eos_token": "</s>", "date_string": "1 Jan 2025"}


def render(source, messages, tools, prompt):
    template = _compile_jinja_template(source)
    kwargs = dict(messages=messages, tools=tools, documents=None, add_generation_prompt=prompt, **VARIABLES)
    try:
        if "generation %}" in source:
            text, spans = _render_with_assistant_indices(template, **kwargs)
            to_bytes = lambda i: len(text[:i].encode())
            return {"text": text, "spans": [[to_bytes(a), to_bytes(b)] for a, b in spans]}
        return {"text": template.render(**kwargs)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main():
    cases = []
    for name, source in STYLES.items():
        for index, messages in enumerate(CONVERSATIONS):
            for tools in [None, TOOLS]:
                for prompt in [False, True]:
                    cases.append({"name": name, "conversation": index, "tools": tools is not None, "prompt": prompt,
                                  **render(source, messages, tools, prompt)})
    for number, source in enumerate(SMALL):
        cases.append({"name": f"small-{number}", "conversation": 1, "tools": False, "prompt": False,
                      **render(source, CONVERSATIONS[1], None, False)})
    value = {"versions": {"transformers": transformers.__version__, "python": platform.python_version()},
             "conversations": [[json.dumps(m, ensure_ascii=False) for m in c] for c in CONVERSATIONS],
             "tools": [json.dumps(t) for t in TOOLS], "variables": VARIABLES, "cases": cases,
             "templates": STYLES | {f"small-{n}": source for n, source in enumerate(SMALL)}}
    (HERE / "expected.json").write_text(json.dumps(value, ensure_ascii=True, indent=0) + "\n")
    print(len(cases), "cases,", sum("error" in c for c in cases), "errors")


if __name__ == "__main__":
    main()
