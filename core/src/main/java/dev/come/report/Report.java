package dev.come.report;

import dev.come.checkpoint.InputFile;
import dev.come.report.Drawing.Shape;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;

/**
 * A page that shows a result: one file that needs no network and no script. {@link Report#toHtml} fills the templates in
 * {@code src/main/jte}; what is shown is decided before, in records.
 *
 * @param title the model and what became of it
 * @param subtitle how, in a few words
 * @param facts the verdict: few numbers, each with what it is compared with
 * @param remarks what the reader should know before believing the numbers
 * @param sections in the order in which a person looks
 */
public record Report(String title, String subtitle, List<Fact> facts, List<Remark> remarks, List<Section> sections) {
    /** The name of the file beside a result. */
    public static final String FILE_NAME = "report.html";

    /** By which a page of ours is known. */
    public static final String GENERATOR = "CoMe for Java";

    private static final String PACKAGE = "dev.come.report.page";

    public Report {
        facts = List.copyOf(facts);
        remarks = List.copyOf(remarks);
        sections = List.copyOf(sections);
    }

    /** Whether a file looks like one that {@link #toHtml} gave. */
    public static boolean isOne(Path file) {
        return InputFile.beginning(file, 256).contains('"' + GENERATOR + '"');
    }

    /**
     * A number of the verdict.
     *
     * @param name what it is
     * @param value the number
     * @param detail what it was, and its error
     */
    public record Fact(String name, String value, String detail) {}

    /** Something that the reader should know. */
    public record Remark(Level level, String text) {}

    /** How much a remark matters. */
    public enum Level {
        /** The numbers do not say what they seem to. */
        RED("Caution", "caution"),
        /** The numbers say less than they seem to. */
        AMBER("Note", "note");

        private final String word;
        private final String style;

        Level(String word, String style) {
            this.word = word;
            this.style = style;
        }

        /** The name of its style. */
        public String style() {
            return style;
        }

        /** The word in front, so that colour is not needed. */
        public String word() {
            return word;
        }
    }

    /** A part of the page. */
    public record Section(String heading, List<Block> blocks) {
        public Section {
            blocks = List.copyOf(blocks);
        }

        /** What links call it. */
        public String id() {
            return heading.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
        }
    }

    /** Something in a section. */
    public sealed interface Block {
    }

    /**
     * A chart, its table in a part that opens by a click.
     *
     * @param heading empty where that of the section says it
     * @param lead what it shows and how to read it, in a sentence or two
     */
    public record Chart(String heading, String lead, Drawing drawing, List<LegendKey> keys, DataTable table)
            implements
                Block {
        public Chart {
            keys = List.copyOf(keys);
        }
    }

    /** An entry of a chart's legend. */
    public record LegendKey(Drawing drawing, String text) {
        /** That of a dot. */
        static LegendKey dot(Shape shape, String style, String text) {
            return new LegendKey(new Drawing(16, 16, 16, "", List.of(new Drawing.Dot(8, 8, shape, style, ""))), text);
        }

        /** That of a box. */
        static LegendKey box(String style, String text) {
            return new LegendKey(new Drawing(22, 16, 22, "", List.of(new Drawing.Box(2, 2, 18, 12, style, ""))), text);
        }
    }

    /** A table that is there to be read. */
    public record Shown(String heading, String lead, DataTable table) implements Block {}

    /** A table in a part that opens by a click. */
    public record Folded(String summary, DataTable table) implements Block {}

    /** A sentence. */
    public record Sentence(String text) implements Block {}

    /** A command to type. */
    public record Code(String heading, String text) implements Block {}

    /** Charts side by side where there is room. */
    public record Pair(List<Chart> charts) implements Block {
        public Pair {
            charts = List.copyOf(charts);
        }
    }

    /** The page. */
    public String toHtml() {
        TemplateEngine engine = TemplateEngine.createPrecompiled(null, ContentType.Html, null, PACKAGE);
        StringOutput page = new StringOutput();
        engine.render("page.jte", this, page);
        return page.toString();
    }
}
