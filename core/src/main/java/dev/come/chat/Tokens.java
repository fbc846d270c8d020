package dev.come.chat;

import dev.come.chat.Token.Kind;
import java.util.List;

/** The tokens of a template, one after the other. */
final class Tokens {
    private final List<Token> all;
    private int at;

    Tokens(List<Token> all) {
        this.all = all;
    }

    Token peek() {
        return peek(0);
    }

    Token peek(int ahead) {
        return all.get(Math.min(at + ahead, all.size() - 1));
    }

    Token next() {
        Token token = peek();
        at++;
        return token;
    }

    boolean takeName(String name) {
        return take(Kind.NAME, name);
    }

    boolean takeSign(String sign) {
        return take(Kind.SIGN, sign);
    }

    private boolean take(Kind kind, String text) {
        boolean there = peek().is(kind, text);
        at += there ? 1 : 0;
        return there;
    }

    void expectSign(String sign) {
        if (!takeSign(sign)) {
            throw new UnknownTemplateException("has '" + peek().text() + "' where '" + sign + "' is expected");
        }
    }

    String name() {
        return expect(Kind.NAME, "a name");
    }

    String string() {
        return expect(Kind.STRING, "a text");
    }

    void end() {
        expect(Kind.END, "the end of a tag");
    }

    private String expect(Kind kind, String what) {
        Token token = next();
        if (token.kind() != kind) {
            throw new UnknownTemplateException("has '" + token.text() + "' where " + what + " is expected");
        }
        return token.text();
    }
}
