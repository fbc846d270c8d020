package dev.come.chat;

import dev.come.chat.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a template into tokens, with Jinja's rules for blanks around tags as transformers sets them: the line feed after a
 * statement goes ({@code trim_blocks}), and so do the blanks before one that begins a line ({@code lstrip_blocks}).
 */
final class Lexer {
    private static final List<String> SIGNS = List.of("==", "!=", "<=", ">=", "//", "**", "+", "-", "*", "/", "%", "~",
            "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|");

    private final String text;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    /** Whether what was read last ended with a line feed, or nothing was read yet. */
    private boolean lineBegins = true;

    private Lexer(String text) {
        String unix = text.replace("\r\n", "\n").replace('\r', '\n');
        this.text = unix.endsWith("\n") ? unix.substring(0, unix.length() - 1) : unix;
    }

    static List<Token> tokens(String template) {
        Lexer lexer = new Lexer(template);
        while (lexer.at < lexer.text.length()) {
            lexer.data();
        }
        lexer.tokens.add(new Token(Kind.EOF, ""));
        return List.copyOf(lexer.tokens);
    }

    /** Text up to the next tag, and the tag. */
    private void data() {
        int tag = at;
        while (tag < text.length() && !(text.startsWith("{{", tag) || text.startsWith("{%", tag)
                || text.startsWith("{#", tag))) {
            tag++;
        }
        String data = text.substring(at, tag);
        if (tag == text.length()) {
            addData(data);
            at = tag;
            return;
        }
        char kind = text.charAt(tag + 1);
        at = tag + 2;
        if (text.startsWith("-", at)) {
            at++;
            data = PythonStrings.rstrip(data);
        } else if (text.startsWith("+", at)) {
            at++;
        } else if (kind != '{') {
            int line = data.lastIndexOf('\n') + 1;
            if ((line > 0 || lineBegins) && PythonStrings.rstrip(data.substring(line)).isEmpty()) {
                data = data.substring(0, line);
            }
        }
        addData(data);
        switch (kind) {
            case '#' -> comment();
            case '{' -> tag(Kind.PRINT, "}}");
            default -> tag(Kind.STATEMENT, "%}");
        }
    }

    private void addData(String data) {
        if (!data.isEmpty()) {
            tokens.add(new Token(Kind.DATA, data));
        }
    }

    private void comment() {
        int end = text.indexOf("#}", at);
        if (end < 0) {
            throw new UnknownTemplateException("has a comment without an end");
        }
        boolean dash = end > at && text.charAt(end - 1) == '-';
        at = end + 2;
        blanksAfter(dash, true);
    }

    /** @param end what ends the tag */
    private void tag(Kind kind, String end) {
        tokens.add(new Token(kind, ""));
        int depth = 0;
        while (true) {
            skipBlanks();
            if (at >= text.length()) {
                throw new UnknownTemplateException("has a tag without its end " + end);
            }
            boolean dash = text.startsWith("-" + end, at);
            if (depth == 0 && (dash || text.startsWith(end, at))) {
                at += end.length() + (dash ? 1 : 0);
                tokens.add(new Token(Kind.END, end));
                blanksAfter(dash, kind == Kind.STATEMENT);
                return;
            }
            Token token = inTag();
            if (token.kind() == Kind.SIGN) {
                depth += "([{".contains(token.text()) ? 1 : ")]}".contains(token.text()) ? -1 : 0;
            }
            tokens.add(token);
        }
    }

    private void skipBlanks() {
        while (at < text.length() && PythonStrings.isSpace(text.charAt(at))) {
            at++;
        }
    }

    private void blanksAfter(boolean all, boolean lineFeed) {
        int from = at;
        if (all) {
            skipBlanks();
        } else if (lineFeed && text.startsWith("\n", at)) {
            at++;
        }
        lineBegins = at > from && text.charAt(at - 1) == '\n';
    }

    private Token inTag() {
        char first = text.charAt(at);
        if (first == '\'' || first == '"') {
            return string(first);
        }
        int from = at;
        if (Character.isLetter(first) || first == '_') {
            while (at < text.length() && (Character.isLetterOrDigit(text.charAt(at)) || text.charAt(at) == '_')) {
                at++;
            }
            return new Token(Kind.NAME, text.substring(from, at));
        }
        if (first >= '0' && first <= '9') {
            while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
                at++;
            }
            return new Token(Kind.INTEGER, text.substring(from, at));
        }
        String sign = SIGNS.stream().filter(one -> text.startsWith(one, at)).findFirst()
                .orElseThrow(() -> new UnknownTemplateException("has the sign '" + first + "'"));
        at += sign.length();
        return new Token(Kind.SIGN, sign);
    }

    private Token string(char quote) {
        StringBuilder value = new StringBuilder();
        for (at++; at < text.length() && text.charAt(at) != quote; at++) {
            char one = text.charAt(at);
            if (one != '\\') {
                value.append(one);
                continue;
            }
            char escaped = ++at < text.length() ? text.charAt(at) : quote;
            switch (escaped) {
                case 'n' -> value.append('\n');
                case 't' -> value.append('\t');
                case 'r' -> value.append('\r');
                case '\\', '\'', '"' -> value.append(escaped);
                case 'u' -> {
                    if (at + 4 >= text.length() || !text.substring(at + 1, at + 5).matches("[0-9a-fA-F]{4}")) {
                        throw new UnknownTemplateException("has a text with a damaged \\u");
                    }
                    value.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
                    at += 4;
                }
                default -> throw new UnknownTemplateException("has a text with \\" + escaped);
            }
        }
        if (at >= text.length()) {
            throw new UnknownTemplateException("has a text without an end");
        }
        at++;
        return new Token(Kind.STRING, value.toString());
    }
}
