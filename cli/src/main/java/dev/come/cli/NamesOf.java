package dev.come.cli;

import java.util.Iterator;
import java.util.List;

/** The values that help and completion offer for an option; a class for each list, because annotations take classes. */
abstract class NamesOf implements Iterable<String> {
    private final List<String> names;

    NamesOf(List<String> names) {
        this.names = names;
    }

    @Override
    public Iterator<String> iterator() {
        return names.iterator();
    }
}
