package dev.come.text;

import java.nio.file.Path;

/**
 * Names a text: what {@code --calibration-dataset} and {@code --ppl-data} take, with the options beside them.
 *
 * @param dataset the name of a corpus (wiki2, c4, pg19, bookcorpus, alpaca, mmlu) or else the path of a file or folder; a
 *     file that is called like a corpus is reached as {@code ./wiki2}
 * @param dataDirectory where the corpora that have a name are looked for ({@code --data-dir})
 * @param textField the field that holds the text in files at a path ({@code --text-field})
 */
public record TextSource(String dataset, Path dataDirectory, String textField) {
    /** The field that is read where the user names none. */
    public static final String DEFAULT_FIELD = "text";
}
