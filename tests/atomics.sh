#!/bin/sh
# SPDX-License-Identifier: MIT
# The rules of src/base/atomic.h, checked on the text of src/:
#   - no atomic operation anywhere else;
#   - each call names an order, a label and a reason;
#   - a label other than ALONE has a write that releases and a read that
#     acquires, and is explained in the README.md of its room;
#   - ALONE is relaxed.
# Perl without modules, because every Debian has it. usage: atomics.sh ROOT
set -eu
cd "$1"
find src -name '*.[ch]' ! -path src/base/atomic.h | sort | perl -e '
use strict;

my %has_value = (load => 0, store => 1, exchange => 1, fetch_add => 1,
                 fetch_sub => 1, fetch_or => 1, compare_exchange => 2);
my %order_ok = (relaxed => 1, acquire => 1, release => 1, acq_rel => 1,
                seq_cst => 1);
my ($bad, %seen, %released, %acquired) = (0);

sub complain {
    print STDERR "@_\n";
    $bad = 1;
}

# A string or character literal.
my $literal = qr/"(?:\\.|[^"\\])*"|\x27(?:\\.|[^\x27\\])*\x27/s;

sub blank {
    return $_[0] =~ s/[^\n]/ /gr;
}

# Comments become spaces; literals stay. Lines and places stay the same.
sub strip_comments {
    my ($text) = @_;
    $text =~ s{($literal)|(//[^\n]*|/\*.*?\*/)}
              {defined $1 ? $1 : blank($2)}gse;
    return $text;
}

# The arguments of the call whose parenthesis opens at $at, and where it ends.
sub arguments {
    my ($text, $at) = @_;
    my ($depth, @list) = (0, "");
    pos($text) = $at;
    while ($text =~ /\G($literal|.)/gs) {
        my $token = $1;
        if ($token =~ /^[(\[{]$/) {
            next if ++$depth == 1;
        } elsif ($token =~ /^[)\]}]$/) {
            if (--$depth == 0) {
                s/^\s+|\s+$//gs for @list;
                return @list;
            }
        } elsif ($token eq "," && $depth == 1) {
            push @list, "";
            next;
        }
        $list[-1] .= $token;
    }
    return;
}

# The README.md of the folder, or of the nearest folder above it.
sub readme_of {
    my ($file) = @_;
    while ($file =~ s{/[^/]*$}{} && $file ne "src") {
        return "$file/README.md" if -e "$file/README.md";
    }
    return;
}

sub check_call {
    my ($where, $file, $name, @list) = @_;
    my $extra = $has_value{$name};
    return complain("$where: wr_$name needs an order, a label and a reason")
        if @list != 4 + $extra;
    my ($order, $label, $why) = @list[1 + $extra .. 3 + $extra];
    return complain("$where: no memory order: $order")
        if !$order_ok{$order};
    return complain("$where: $order is no order of a load")
        if $name eq "load" && $order =~ /^(release|acq_rel)$/;
    return complain("$where: $order is no order of a store")
        if $name eq "store" && $order =~ /^(acquire|acq_rel)$/;
    return complain("$where: a label is ALONE or ROOM_1, not $label")
        if $label !~ /^(ALONE|[A-Z][A-Z0-9_]*_[0-9]+)$/;
    my $words = join "", $why =~ /"((?:\\.|[^"\\])*)"/g;
    return complain("$where: the reason is a string of two words or more")
        if $why !~ /^("(\\.|[^"\\])*"\s*)+$/ || $words !~ /\w\s+\w/;
    if ($label eq "ALONE") {
        complain("$where: ALONE orders nothing, so it is relaxed, not $order")
            if $order ne "relaxed";
        return;
    }
    $seen{$label} = $where if !defined $seen{$label};
    $released{$label} = 1
        if $name ne "load" && $order =~ /^(release|acq_rel|seq_cst)$/;
    $acquired{$label} = 1
        if $name ne "store" && $order =~ /^(acquire|acq_rel|seq_cst)$/;
    my $readme = readme_of($file);
    my $text = "";
    if (defined $readme) {
        open my $in, "<", $readme or die "$readme: $!\n";
        local $/;
        $text = <$in>;
    }
    complain("$where: $label is not explained in " .
             ($readme || "a README.md of its room"))
        if $text !~ /(?<![A-Za-z0-9_])\Q$label\E(?![A-Za-z0-9_])/;
}

my $calls = join "|", keys %has_value;
my $files = 0;
while (my $file = <STDIN>) {
    chomp $file;
    $files++;
    open my $in, "<", $file or die "$file: $!\n";
    my $text = do { local $/; <$in> };
    $text = strip_comments($text);
    # A literal is no operation, but may hold the name of one.
    my $code = $text =~ s/($literal)/blank($1)/gser;

    while ($code =~ /(?<![A-Za-z0-9_])
                     (_Atomic|atomic_\w+|__atomic_\w+|__sync_\w+|
                      memory_order\w*)/gx) {
        my $line = 1 + (substr($code, 0, $-[0]) =~ tr/\n//);
        complain("$file:$line: $1 only in src/base/atomic.h");
    }
    while ($code =~ /(?<![A-Za-z0-9_])wr_($calls)\b(\s*\()?/g) {
        my ($name, $open, $end) = ($1, $2, $+[0]);
        my $where = "$file:" . (1 + (substr($code, 0, $-[0]) =~ tr/\n//));
        if (!defined $open) {
            complain("$where: wr_$name is called, not passed around");
            next;
        }
        check_call($where, $file, $name, arguments($text, $end - 1));
    }
}
for my $label (sort keys %seen) {
    complain("$seen{$label}: $label: no write releases it")
        if !$released{$label};
    complain("$seen{$label}: $label: no read acquires it")
        if !$acquired{$label};
}
complain("no source files") if $files == 0;
exit $bad;
'
