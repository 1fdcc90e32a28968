package Flagship::Writes;

# Writes that meet a fault, and what must hold whatever happened.
#
#   my $w = Flagship::Writes->new($api);
#   my ($key, $socket) = $w->begin;          # POST /segments, not waited for
#   ...                                      # somebody goes away
#   my ($status, $text) = $w->answer($socket);
#   $w->there($key);                         # how many of them PostgreSQL has
#   $w->sound('what happened');

use strict;
use warnings;

use IO::Socket::INET ();

use Flagship::Process qw(files_of);
use Flagship::Test;


sub new {
    my ($class, $api) = @_;

    return bless { api => $api, n => 0 }, $class;
}


# A key that was not there before

sub key { 'k' . ++$_[0]{n} }


# port: of nginx; when: JSON; half => 1: of the body only a part; rcvbuf: bytes
# that the client takes before it reads

sub begin {
    my ($self, %o) = @_;

    my $key = $self->key;
    my $body = qq({"key":"$key","when":) . ($o{when} // 'true') . '}';
    my $socket = IO::Socket::INET->new(Proto => 'tcp',
        $o{rcvbuf} ? (Sockopts => [ [ SO_RCVBUF => $o{rcvbuf} ] ]) : (),
        PeerAddr => '127.0.0.1', PeerPort => $o{port} // $self->{api}->t->port)
            or die "cannot connect: $!";

    my $request = "POST /segments HTTP/1.0\r\nHost: a\r\nX-API-Key: "
        . $self->{api}->key('editor@default')
        . "\r\nContent-Type: application/json\r\nContent-Length: "
        . length($body) . "\r\n\r\n";

    if ($o{half}) {
        $self->{rest} = substr $body, 9, length $body, '';
    }

    $socket->syswrite($request . $body);

    return ($key, $socket);
}


# The other part

sub finish {
    my ($self, $socket) = @_;

    $socket->syswrite($self->{rest});
}


sub answer {
    my ($self, $socket) = @_;

    local $/;
    my $text = readline($socket) // '';

    return ($text =~ m{^HTTP/1\.\d (\d+)})[0] // 'none', $text;
}


sub there {
    my ($self, @keys) = @_;

    return $self->{api}->pg->sql(sprintf q{SELECT count(*)
        FROM flagship.segments WHERE key = ANY ('{%s}')}, join ',', @keys);
}


# Queries of the API that wait for a lock

sub locks {
    my ($self) = @_;

    return $self->{api}->pg->sql(q{SELECT count(*) FROM pg_locks l
        JOIN pg_stat_activity a USING (pid)
        WHERE a.application_name LIKE 'flagship%' AND NOT l.granted});
}


sub fds {
    my ($self) = @_;

    my ($worker) = $self->{api}->t->workers;
    my @fds = files_of($worker);

    return scalar @fds;
}


# No change without its audit and none of the audit without its change, and a
# pool whose places all serve

sub sound {
    my ($self, $what) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $pg = $self->{api}->pg;

    is($pg->sql(q{SELECT concat_ws(' ',
        (SELECT count(*) FROM flagship.segments s
          WHERE NOT EXISTS (SELECT FROM flagship.audit a
            WHERE a.entity_id = s.id::text AND a.action = 'create')),
        (SELECT count(*) FROM flagship.audit a
          WHERE a.entity = 'segment' AND NOT EXISTS (
            SELECT FROM flagship.segments s
             WHERE s.id::text = a.entity_id)))}), '0 0',
        "$what: what is there was audited, and what was audited is there");

    # more than the pool has places
    my @keys = map { $self->key } 1 .. 5;
    my $done = grep { my $key = $_; wait_for(sub {
        $self->{api}->post('/segments', { key => $key, when => true() })->status
            =~ /^(?:201|409)$/ }) } @keys;

    is($done . ' ' . $self->there(@keys), '5 5',
        "$what: the next writes are done");
    ok(wait_for(sub { $pg->sql(q{
        SELECT count(*) FILTER (WHERE state <> 'idle') = 0 AND count(*) <= 2
          FROM pg_stat_activity WHERE application_name = 'flagship api'})
            eq 't' }), "$what: no connection is stuck");
}


sub true { JSON::PP::true() }


1;
